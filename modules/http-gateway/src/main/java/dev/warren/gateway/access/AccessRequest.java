package dev.warren.gateway.access;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import io.netty.handler.codec.http.HttpRequest;
import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * What an {@link Authorizer} judges: all that is known before the first byte of a body.
 *
 * @param action what is wanted
 * @param head the request as it came, with every header; an authorizer changes nothing in it
 * @param remote where it came from, behind trusted proxies too
 * @param session which session it concerns; null for CALL, and where an ADMIN request concerns none
 * @param targetOrNull what a DIAL asks for; null for the other actions
 */
public record AccessRequest(
    Action action,
    HttpRequest head,
    InetSocketAddress remote,
    SessionKey session,
    Target targetOrNull) {
  public AccessRequest {
    Objects.requireNonNull(action, "action");
    Objects.requireNonNull(head, "head");
    Objects.requireNonNull(remote, "remote");
    if (session == null && action != Action.ADMIN && action != Action.CALL) {
      throw new IllegalArgumentException("session of " + action + " (expected: not null)");
    }
    if ((targetOrNull != null) != (action == Action.DIAL)) {
      throw new IllegalArgumentException(
          "target " + targetOrNull + " of " + action + " (expected: one for DIAL, none else)");
    }
  }
}
