/**
 * The one executable, {@code warren}. Start at {@link dev.warren.cli.Main}; each command is a class
 * of its own, which lists its flags at the top and starts something from another module. Nothing
 * imports this package.
 */
package dev.warren.cli;
