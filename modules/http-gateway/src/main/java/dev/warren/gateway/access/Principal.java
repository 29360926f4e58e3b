package dev.warren.gateway.access;

/**
 * Who proved what they had to prove. Stands in logs and in a stream's caller identity, so it is a
 * name, never a secret.
 *
 * @param name empty where nobody had to say who they are
 */
public record Principal(String name) {
  /** Who needs no name, because the gateway asks nobody for one. */
  public static final Principal ANONYMOUS = new Principal("");
}
