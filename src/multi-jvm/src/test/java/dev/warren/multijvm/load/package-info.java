/**
 * Callers: single requests, requests at a steady rate, downloads at a steady rate whose bytes are
 * compared. Start at {@link dev.warren.multijvm.load.Load}. Nothing here tries twice, since what
 * the first try got is what the tests are about.
 */
package dev.warren.multijvm.load;
