// The flow `order:3` of heavy_ball(m = 9/10) on (1-x)^2 + 100*(y-x^2)^2.
//
//     heavy_ball(m = 9/10): modified field to order 3
//
//     θ̇ = 10 f
//       - 950h f'f
//       + h² ( 541000/3 f'f'f
//              + 270250/3 f''(f,f) )
//       + h³ ( -42797500 f'f'f'f
//              - 76997500/3 f'f''(f,f) - 128297500/3 f''(f'f,f)
//              - 8550000 f'''(f,f,f) )
//       + O(h⁴)
//
// Made by bea 0.1.0:
//
//     bea codegen --loss '(1-x)^2 + 100*(y-x^2)^2' --optimizer heavy_ball --set m=9/10 --flow order:3 --lang rust

/// The number of coordinates: x, y.
pub const N: usize = 2;

/// The loss.
pub fn loss(theta: &[f64; N]) -> f64 {
    let [x, y] = *theta;
    let t0 = x - 1.0;
    let t1 = y - x * x;
    t0 * t0 + t1 * t1 * 100.0
}

/// The gradient of the loss.
pub fn gradient(theta: &[f64; N]) -> [f64; N] {
    let [x, y] = *theta;
    let t0 = y - x * x;
    [(x - 1.0 - x * t0 * 200.0) * 2.0, t0 * 200.0]
}

/// The velocity: the modified field with all terms up to h^3.
pub fn field(theta: &[f64; N], h: f64) -> [f64; N] {
    let [x, y] = *theta;
    let t0 = y - x * x;
    let t1 = x - 1.0 - x * t0 * 200.0;
    let t2 = x * t1;
    let t3 = t0 * 50.0 - t2;
    let t4 = t1 - 200.0 * (t0 * t1 + x * t3 * 2.0);
    let t5 = h * t4;
    let t6 = t1 * 541.0 + t5 * 256785.0;
    let t7 = h * t3;
    let t8 = 50.0 * (t0 * 541.0 + t7 * 513570.0) - x * t6;
    let t9 = t6 - 200.0 * (t0 * t6 + 2.0 * (x * t8));
    let t10 = t1 * t1;
    let t11 = h * h;
    let t12 = (2.0 * (t1 * t3) - x * t10) * t11 * 2463920000.0;
    let t13 = t1 * 57.0 + h * t9 * 40.0 - t12;
    let t14 = t0 * 57.0 + h * t8 * 80.0 - t10 * t11 * 12319600.0;
    let t15 = 50.0 * t14 - x * t13;
    let t16 = t13 - 200.0 * (t0 * t13 + 2.0 * (x * t15));
    let t17 = t1 * 1081.0 + t5 * 1026380.0;
    let t18 = 50.0 * (t0 * 1081.0 + t7 * 2052760.0);
    let t19 = t1 * (t18 - x * t17) + (t3 * t17 - t2 * t17);
    let t20 = t1 * 3.0 + h * t16 * 10.0 - t11 * t19 * 40000.0;
    let t21 = t20 + t1 * t10 * (h * t11) * 24624000000.0;
    let t22 = t0 * 3.0 + h * t15 * 20.0 - 200.0 * (t17 * (t1 * t11));
    [-t21 * (20.0 / 3.0), -t22 * (2000.0 / 3.0)]
}
