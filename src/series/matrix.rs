//! dense matrices over coefficients
