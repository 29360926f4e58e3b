package dev.warren.peer.tls;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.watch.FileWatch;
import dev.warren.protocol.Incarnation;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** What a gateway has for TLS with its peers: a token file, a clock, counts. */
final class Node implements AutoCloseable {
  static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  static final String TOKEN = "8f14e45fceea167a5a36dedd4bea2543";
  static final String NEXT_TOKEN = "c9f0f895fb98ab9159f51fd0297e236d";
  static final String OTHER_TOKEN = "45c48cce2e2d7fbdea1afc51c7c6ad26";

  final MutableClock clock;
  final HandshakeRefusals refusals;
  final FileWatch watch = FileWatch.manual();
  final GatewayIdentity identity;
  final ClusterTls tls;
  private final Path file;

  Node(Path directory, String id, SslProvider provider, Instant now, String... tokens) {
    this(directory, id, provider, now, Duration.ofSeconds(10), tokens);
  }

  Node(
      Path directory,
      String id,
      SslProvider provider,
      Instant now,
      Duration handshakeTimeout,
      String... tokens) {
    clock = new MutableClock(now);
    refusals = new HandshakeRefusals(clock);
    identity = new GatewayIdentity(id, Incarnation.random());
    file = directory.resolve(id + ".tokens");
    write(tokens);
    tls = new ClusterTls(file, identity, watch, clock, refusals, handshakeTimeout, provider);
  }

  private void write(String... tokens) {
    try {
      Files.writeString(file, String.join("\n", tokens));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void tokens(String... tokens) {
    write(tokens);
    watch.look();
  }

  long refused(RefusalReason reason) {
    return refusals.snapshot().byReason().get(reason);
  }

  long refused() {
    return refusals.snapshot().total();
  }

  @Override
  public void close() {
    tls.close();
    watch.close();
  }
}
