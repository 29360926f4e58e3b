package dev.warren.gateway.access;

/** What an {@link Authorizer} answers. The details are for the one who asked and name no secret. */
public sealed interface Decision {
  /** Go on, as this principal. */
  record Allowed(Principal principal) implements Decision {}

  /** Nobody we know: HTTP 401 with {@link Authorizer#CHALLENGE}. */
  record Unauthenticated(String detail) implements Decision {}

  /** Somebody we know, who may not do this: HTTP 403. */
  record Forbidden(String detail) implements Decision {}
}
