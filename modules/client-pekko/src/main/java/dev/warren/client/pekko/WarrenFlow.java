package dev.warren.client.pekko;

import dev.warren.client.Session;
import dev.warren.protocol.Target;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.util.ByteString;

/** Makes flows whose bytes go to a target and come from it. */
public final class WarrenFlow {
  private WarrenFlow() {}

  /**
   * A flow that opens a stream each time it runs. What goes in reaches the target, what the target
   * sends comes out, and each side is read only while the other takes bytes. The end of what goes
   * in is a half close; a failure of it, and a cancelled output, reset the stream. A stream that
   * breaks fails the flow.
   *
   * <p>Its value completes when the target has accepted, and fails with a {@link
   * dev.warren.client.DialException} where there is no stream; so does the flow.
   *
   * @param target {@code HOST:PORT} or {@code unix//path}, as the agent sees it
   * @throws IllegalArgumentException where the text is no target
   */
  public static Flow<ByteString, ByteString, CompletionStage<Done>> of(
      Session session, String target) {
    Target.parse(target);
    return Flow.fromGraph(new StreamStage(session, target));
  }
}
