/**
 * How log lines look and where they go. Start at {@link dev.warren.cli.log.Logs}. Who logs what is
 * nobody's business here.
 */
package dev.warren.cli.log;
