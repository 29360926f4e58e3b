/**
 * A gateway, an agent and a file server in one process, and real files that move through them.
 * Start at {@link dev.warren.cli.demo.Demo}.
 */
package dev.warren.cli.demo;
