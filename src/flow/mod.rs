//! The flows an optimizer is compared with, and their integration.
