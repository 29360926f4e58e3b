package dev.warren.gateway.access;

/** What a token is for. A token of one kind never serves for another, whatever a file says. */
public enum TokenKind {
  /** Lets an agent attach. */
  AGENT("wag_", "an agent's"),
  /** Lets a caller dial. */
  CALLER("wcl_", "a caller's"),
  /** Lets an operator ask and order. */
  ADMIN("wad_", "an operator's"),
  /** Makes gateways one cluster. */
  CLUSTER("wck_", "a cluster's");

  private final String prefix;
  private final String possessive;

  TokenKind(String prefix, String possessive) {
    this.prefix = prefix;
    this.possessive = possessive;
  }

  /** How its tokens begin, so that people and secret scanners know one when they see it. */
  public String prefix() {
    return prefix;
  }

  /** As in "a caller's token". */
  public String possessive() {
    return possessive;
  }
}
