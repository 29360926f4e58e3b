package dev.warren.gateway.access;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;

/**
 * The headers by which callers and agents say to us who they are. None of them ever reaches a
 * target: {@code Authorization} is not among them, because a caller's belongs to the target.
 */
public final class CredentialHeaders {
  /** A caller's token, {@code Bearer T}, where Proxy-Authorization cannot be used. */
  public static final AsciiString X_WARREN_AUTHORIZATION =
      AsciiString.cached("x-warren-authorization");

  /** A caller's token, Bearer or Basic. */
  public static final AsciiString PROXY_AUTHORIZATION = AsciiString.cached("proxy-authorization");

  /** An agent's token where Authorization cannot be used. */
  public static final AsciiString X_TUNNEL_TOKEN = AsciiString.cached("x-tunnel-token");

  /** An agent's id. */
  public static final AsciiString X_TUNNEL_ID = AsciiString.cached("x-tunnel-id");

  private CredentialHeaders() {}

  /** Removes all of them from a request that goes on to a target. */
  public static void stripFrom(HttpHeaders headers) {
    headers
        .remove(X_WARREN_AUTHORIZATION)
        .remove(PROXY_AUTHORIZATION)
        .remove(X_TUNNEL_TOKEN)
        .remove(X_TUNNEL_ID);
  }
}
