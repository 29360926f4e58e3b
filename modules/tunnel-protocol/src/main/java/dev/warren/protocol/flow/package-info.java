/**
 * The arithmetic of credit and of turns: how far a sender may go ({@link
 * dev.warren.protocol.flow.SendWindow}), how much a receiver reserves ({@link
 * dev.warren.protocol.flow.ReceiveWindow} within a {@link dev.warren.protocol.flow.CreditBudget}),
 * whose turn it is ({@link dev.warren.protocol.flow.Turns}) and whether the other side lives
 * ({@link dev.warren.protocol.flow.Heartbeat}). Pure values over numbers; the rules are in
 * PROTOCOL.md, sections 5 and 8.
 */
package dev.warren.protocol.flow;
