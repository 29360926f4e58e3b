package dev.warren.client;

import dev.warren.client.DialException.Reason;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.flow.CreditBudget;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The line of a program: made when a stream is wanted and there is none, over the gateway that
 * answered last, else over the next one. A line whose gateway goes takes no new streams, and ends
 * with its last one. Everything runs on one event loop.
 *
 * <pre>none -stream wanted-> connecting -WELCOME-> up -lost, draining, idle-> none</pre>
 */
final class Lines {
  /** Who waits for a line. */
  interface Waiter {
    void up(Line line);

    void failed(DialException why);
  }

  private static final Logger log = LoggerFactory.getLogger(Lines.class);

  private final WarrenSettings settings;
  private final EventLoop loop;
  private final List<GatewayUrl> gateways;
  private final ClientTls tls;
  private final CreditBudget budget = CreditBudget.ofHeap();
  private final List<Waiter> waiting = new ArrayList<>();
  private final Set<Line> lines = new HashSet<>(); // those that go as well
  private Line current; // null where there is none that takes streams
  private LineConnect connecting; // null where none is being made
  private int gateway; // which one to begin with
  private boolean closed;

  Lines(WarrenSettings settings, EventLoop loop) {
    this.settings = settings;
    this.loop = loop;
    this.gateways = settings.gateways().stream().map(GatewayUrl::parse).toList();
    this.tls = new ClientTls(settings.ca());
  }

  EventLoop loop() {
    return loop;
  }

  WarrenSettings settings() {
    return settings;
  }

  CreditBudget budget() {
    return budget;
  }

  ClientTls tls() {
    return tls;
  }

  /**
   * Opens a stream. From any thread; the future completes on the event loop.
   *
   * @param taken run there with the stream, before anything of it can arrive
   */
  <T> CompletableFuture<T> dial(
      SessionKey session, Target target, Duration timeout, Function<StreamChannel, T> taken) {
    CompletableFuture<T> opened = new CompletableFuture<>();
    StreamDial<T> dial = new StreamDial<>(this, session, target, timeout, taken, opened);
    try {
      loop.execute(dial::start);
    } catch (RejectedExecutionException e) {
      opened.completeExceptionally(new DialException(Reason.BROKEN, "closed"));
    }
    return opened;
  }

  // ---- on the loop ----

  void line(Waiter waiter) {
    if (closed) {
      waiter.failed(new DialException(Reason.BROKEN, "this Warren is closed"));
    } else if (current != null) {
      waiter.up(current);
    } else {
      waiting.add(waiter);
      if (connecting == null) {
        tryNext(0, new ArrayList<>());
      }
    }
  }

  void forget(Waiter waiter) {
    waiting.remove(waiter);
  }

  private void tryNext(int tried, List<String> reasons) {
    if (tried == gateways.size()) {
      failAll(
          new DialException(
              Reason.GATEWAY_UNREACHABLE, "no gateway: " + String.join("; ", reasons)));
      return;
    }
    GatewayUrl next = gateways.get((gateway + tried) % gateways.size());
    connecting =
        new LineConnect(
            this,
            next,
            new LineConnect.Outcome() {
              @Override
              public void up(Line line) {
                connecting = null;
                gateway = (gateway + tried) % gateways.size();
                if (closed) {
                  line.end();
                  return;
                }
                lines.add(line);
                current = line;
                log.atDebug().addKeyValue("gateway", next).log("line.up");
                List<Waiter> all = List.copyOf(waiting);
                waiting.clear();
                all.forEach(waiter -> waiter.up(line));
              }

              @Override
              public void failed(Reason reason, String text) {
                connecting = null;
                reasons.add(next + ": " + text);
                log.atDebug()
                    .addKeyValue("gateway", next)
                    .addKeyValue("reason", text)
                    .log("line.failed");
                if (reason == Reason.GATEWAY_UNREACHABLE && !closed) {
                  tryNext(tried + 1, reasons);
                } else {
                  failAll(new DialException(reason, next + ": " + text));
                }
              }
            });
    connecting.start();
  }

  private void failAll(DialException why) {
    List<Waiter> all = List.copyOf(waiting);
    waiting.clear();
    all.forEach(waiter -> waiter.failed(why));
  }

  /** It takes no new streams. */
  void retired(Line line) {
    if (current == line) {
      current = null;
    }
  }

  void ended(Line line) {
    retired(line);
    lines.remove(line);
  }

  /** Streams that were closed just before still say so: they send at the end of a turn. */
  void close() {
    loop.execute(() -> loop.execute(this::closeAll));
  }

  private void closeAll() {
    closed = true;
    if (connecting != null) {
      connecting.cancel();
      connecting = null;
    }
    failAll(new DialException(Reason.BROKEN, "this Warren is closed"));
    for (Line line : List.copyOf(lines)) {
      line.end(FaultCode.SHUTDOWN, "the program closed it");
    }
  }
}
