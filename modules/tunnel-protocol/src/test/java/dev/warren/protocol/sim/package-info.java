/**
 * The protocol in a world of its own: a virtual clock, a network made of chances, applications that
 * behave well and badly. Start at {@link dev.warren.protocol.sim.SimulationTest}; one seed is one
 * {@link dev.warren.protocol.sim.World}. What must hold is checked while it runs, by accounts that
 * are kept apart from the code under test.
 */
package dev.warren.protocol.sim;
