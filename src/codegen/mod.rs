//! Emitters of vector fields as source code.
