/**
 * What the tests of every module share, in this module's test jar. Start at {@link
 * dev.warren.protocol.testing.LeakGuard}, which every test class gets without asking.
 */
package dev.warren.protocol.testing;
