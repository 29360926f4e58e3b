package dev.warren.gateway.admin;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.QueueOfferResult;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** The feed as server-sent events, as the HTML standard has them. */
final class EventStream {
  static final ContentType TYPE = MediaTypes.TEXT_EVENT_STREAM.toContentType();

  /** Events that wait for a client; one that has more waiting is sent away. */
  static final int MAX_WAITING = 1_000;

  /** So often a comment, so that both sides know that the other one is there. */
  static final Duration HEARTBEAT = Duration.ofSeconds(15);

  private static final ByteString COMMENT = ByteString.fromString(": still here\n\n");

  private EventStream() {}

  /**
   * From the moment that somebody reads it; begins with a comment, so that the client knows that.
   */
  static Source<ByteString, NotUsed> of(SessionFeed feed) {
    return of(feed, HEARTBEAT);
  }

  static Source<ByteString, NotUsed> of(SessionFeed feed, Duration heartbeat) {
    return Source.fromMaterializer(
            (materializer, attributes) -> {
              AtomicReference<String> why = new AtomicReference<>("closed");
              Subscription[] subscription = new Subscription[1];
              return Source.<SessionEvent>queue(MAX_WAITING)
                  .mapMaterializedValue(
                      queue -> {
                        subscription[0] = new Subscription(feed, queue, why);
                        feed.add(subscription[0]);
                        return NotUsed.getInstance();
                      })
                  .watchTermination(
                      (nothing, done) -> {
                        done.whenComplete((end, failure) -> feed.remove(subscription[0]));
                        return nothing;
                      })
                  .map(EventStream::rendered)
                  .concatLazy(Source.lazySource(() -> Source.single(last(why.get()))));
            })
        .mapMaterializedValue(stage -> NotUsed.getInstance())
        .keepAlive(heartbeat, () -> COMMENT)
        .prepend(Source.single(COMMENT));
  }

  /** On the feed's thread. */
  private record Subscription(
      SessionFeed feed, BoundedSourceQueue<SessionEvent> queue, AtomicReference<String> why)
      implements SessionFeed.Listener {
    @Override
    public void told(SessionEvent event) {
      if (queue.offer(event) == QueueOfferResult.dropped()) {
        why.set("slow");
        feed.remove(this);
        closed(); // what waits is delivered still, and then the last event
      }
    }

    @Override
    public void closed() {
      try {
        queue.complete();
      } catch (IllegalStateException e) {
        // It has ended already.
      }
    }
  }

  private static ByteString rendered(SessionEvent event) {
    return ByteString.fromString(
        "id: "
            + event.number()
            + "\nevent: "
            + event.kind()
            + "\ndata: "
            + Answers.text(event)
            + "\n\n");
  }

  private static ByteString last(String reason) {
    return ByteString.fromString("event: end\ndata: {\"reason\":\"" + reason + "\"}\n\n");
  }
}
