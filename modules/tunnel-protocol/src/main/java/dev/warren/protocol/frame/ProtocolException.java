package dev.warren.protocol.frame;

import dev.warren.protocol.FaultCode;

/**
 * The peer broke a rule that concerns the whole tunnel: it ends with a GOAWAY of this code and
 * text.
 */
public final class ProtocolException extends Exception {
  private static final long serialVersionUID = 1L;

  private final FaultCode code;

  public ProtocolException(FaultCode code, String detail) {
    super(detail, null, false, false);
    this.code = code;
  }

  public FaultCode code() {
    return code;
  }
}
