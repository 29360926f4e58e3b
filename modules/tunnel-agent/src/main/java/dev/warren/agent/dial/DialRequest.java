package dev.warren.agent.dial;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import java.time.Duration;

/**
 * What shall be dialled, and for whom.
 *
 * @param key names the dial over every tunnel that may carry it
 * @param target what to dial
 * @param deadline what is left of the caller's time
 * @param attempt 0 first; higher: the same dial over another holder of the session
 */
public record DialRequest(Key key, Target target, Duration deadline, int attempt) {
  /**
   * The same id counts as the same dial only for the same session and caller: an id that leaked is
   * of no use to anybody else.
   */
  public record Key(SessionKey session, StreamId stream, String caller) {}
}
