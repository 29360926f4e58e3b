/**
 * Gateways, agents and file servers as processes of the executable jar, and the verbs for what
 * happens to them. Start at {@link dev.warren.multijvm.process.GatewayCluster}. Whatever a test
 * starts dies with the test's JVM, frozen or not, and its log is shown where the test fails.
 */
package dev.warren.multijvm.process;
