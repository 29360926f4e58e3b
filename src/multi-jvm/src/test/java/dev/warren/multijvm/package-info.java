/**
 * What only real processes can show: gateways of the executable jar that are killed, frozen, cut
 * off and restarted while agents and callers use them. One file for each way to fail, named after
 * it; {@link dev.warren.multijvm.process.GatewayCluster} is what they begin with. Methods tagged
 * {@code chaos} are the full sizes, and write their figures to target/figures.
 */
package dev.warren.multijvm;
