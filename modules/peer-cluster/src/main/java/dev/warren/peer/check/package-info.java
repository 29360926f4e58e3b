/**
 * What active checks of targets have found: every gateway of the cluster knows the last result of
 * each. Start at {@link dev.warren.peer.check.CheckResults}. Who checks, and how, is the business
 * of dev.warren.gateway.check.
 */
package dev.warren.peer.check;
