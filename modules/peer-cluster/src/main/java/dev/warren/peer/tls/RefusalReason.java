package dev.warren.peer.tls;

/** Why a handshake with a peer came to nothing, as operators must tell the cases apart. */
public enum RefusalReason {
  /** A certificate that no trusted token's authority signed, here or in the far side's eyes. */
  WRONG_TOKEN("wrong-token"),
  /** The far side has no certificate to show. */
  NO_CERTIFICATE("no-certificate"),
  /** A certificate that is expired or not yet valid: most likely a clock is wrong. */
  NOT_VALID_NOW("not-valid-now"),
  /** Bytes that are no TLS. */
  NOT_TLS("not-tls"),
  /** The far side stopped, or hung up, before the handshake was done. */
  STOPPED("stopped"),
  /** All else, as a version of TLS that is too old; the detail says it. */
  OTHER("other");

  private final String text;

  RefusalReason(String text) {
    this.text = text;
  }

  /** As logs, metrics and the status show it. */
  public String text() {
    return text;
  }
}
