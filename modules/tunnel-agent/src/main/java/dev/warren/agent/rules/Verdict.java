package dev.warren.agent.rules;

/** What the rules say of one address or socket. */
public sealed interface Verdict {
  record Allowed() implements Verdict {}

  /**
   * May not be dialled.
   *
   * @param reason names the target, the address and the rule that would allow it
   */
  record Forbidden(String reason) implements Verdict {}

  Verdict ALLOWED = new Allowed();
}
