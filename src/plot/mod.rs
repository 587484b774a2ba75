//! Pictures: curves, contours and trajectories as SVG and PNG.
