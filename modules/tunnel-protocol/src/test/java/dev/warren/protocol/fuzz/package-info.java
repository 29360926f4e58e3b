/**
 * Hostile bytes for everything that decodes. Start at {@link dev.warren.protocol.fuzz.FuzzTest}.
 */
package dev.warren.protocol.fuzz;
