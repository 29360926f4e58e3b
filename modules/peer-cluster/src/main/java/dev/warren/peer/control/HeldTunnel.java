package dev.warren.peer.control;

import dev.warren.protocol.SessionKey;
import dev.warren.session.TunnelReport;

/**
 * A tunnel that this gateway holds, as it is reported to the session's entity.
 *
 * @param session whose it is
 * @param tunnel names this gateway and its present life as the holder
 */
public record HeldTunnel(SessionKey session, TunnelReport tunnel) {}
