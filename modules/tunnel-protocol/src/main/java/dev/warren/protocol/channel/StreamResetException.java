package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import java.io.IOException;

/** The far end, or the way to it, reset a stream that was open. */
public final class StreamResetException extends IOException {
  private static final long serialVersionUID = 1L;

  private final FaultCode code;

  public StreamResetException(FaultCode code, String detail) {
    super(code + (detail.isEmpty() ? "" : ": " + detail));
    this.code = code;
  }

  public FaultCode code() {
    return code;
  }

  /** An outcome, not a bug: nobody reads its trace. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
