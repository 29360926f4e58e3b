package dev.warren.gateway.access;

/**
 * Decides who may do what. It sees the whole head of a request, so that every later method (client
 * certificates, signed tokens, a header set by a trusted proxy) plugs in here and nowhere else.
 */
@FunctionalInterface
public interface Authorizer {
  /** The value of {@code WWW-Authenticate} that belongs to a 401. */
  String CHALLENGE = "Bearer realm=\"warren\"";

  /**
   * Judges one request. Called on an event loop, once for each request: it must not block, so
   * whatever it needs to know it has learnt before (a file, keys, a list), and it never throws.
   */
  Decision judge(AccessRequest request);
}
