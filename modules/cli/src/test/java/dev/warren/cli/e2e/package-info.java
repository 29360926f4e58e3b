/**
 * The whole in one process: a gateway, a real agent, and origins that the test holds in its hand,
 * on loopback sockets. Start at {@link dev.warren.cli.e2e.Stage}. What a part does alone is tested
 * beside that part.
 */
package dev.warren.cli.e2e;
