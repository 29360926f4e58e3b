package dev.warren.peer.control;

/** What control planes say to each other; {@link ControlSerializer} gives it its wire form. */
interface ControlMessage {}
