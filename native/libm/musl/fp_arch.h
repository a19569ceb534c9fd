/* For musl's libm.h: no target has barriers of its own. */
