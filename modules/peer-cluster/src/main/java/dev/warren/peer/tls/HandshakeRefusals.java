package dev.warren.peer.tls;

import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslClosedEngineException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the handshakes with peers that came to nothing, by reason, and logs them: for each remote
 * address once a minute at most, with how many were passed over since. By themselves they are
 * silent, and a gateway with a wrong token would simply never be there.
 *
 * <p>May be called from any thread.
 */
public final class HandshakeRefusals {
  /** How often one address is logged. */
  public static final Duration LOG_EVERY = Duration.ofMinutes(1);

  /** How many addresses are told apart; what comes from further ones is logged as one. */
  public static final int MAX_ADDRESSES = 1024;

  /** The longest detail that is logged; it may have text of the far side in it. */
  static final int MAX_DETAIL_CHARS = 400;

  /** Stands for the addresses beyond {@link #MAX_ADDRESSES}. */
  private static final String FURTHER = "further addresses";

  private static final Logger log = LoggerFactory.getLogger(HandshakeRefusals.class);

  private final InstantSource clock;
  private final int maxAddresses;
  private final Map<RefusalReason, Long> counts = new EnumMap<>(RefusalReason.class);
  private final Map<String, Logged> addresses = new HashMap<>();

  private static final class Logged {
    private Instant at;
    private long suppressed;
  }

  /**
   * What was counted since the start.
   *
   * @param total the sum of all reasons
   * @param byReason every reason, with 0 where there was none
   */
  public record Snapshot(long total, Map<RefusalReason, Long> byReason) {
    public Snapshot {
      byReason = Map.copyOf(byReason);
    }
  }

  public HandshakeRefusals(InstantSource clock) {
    this(clock, MAX_ADDRESSES);
  }

  HandshakeRefusals(InstantSource clock, int maxAddresses) {
    this.clock = clock;
    this.maxAddresses = maxAddresses;
    for (RefusalReason reason : RefusalReason.values()) {
      counts.put(reason, 0L);
    }
  }

  /** The counts since the start. */
  public synchronized Snapshot snapshot() {
    return new Snapshot(
        counts.values().stream().mapToLong(Long::longValue).sum(), new EnumMap<>(counts));
  }

  /**
   * Counts a handshake that failed, and logs it where it is its address's turn.
   *
   * @param remote null where it is not known
   * @param cause what the TLS stack or the channel said
   */
  public void refused(PeerPort port, SocketAddress remote, Throwable cause) {
    RefusalReason reason = reasonOf(cause);
    String address = text(remote);
    long suppressed;
    synchronized (this) {
      counts.merge(reason, 1L, Long::sum);
      suppressed = turn(port.port() + " " + address);
    }
    if (suppressed >= 0) {
      log.atWarn()
          .addKeyValue("port", port.port())
          .addKeyValue("direction", port.direction())
          .addKeyValue("remote", address)
          .addKeyValue("reason", reason.text())
          .addKeyValue("detail", detail(reason, cause))
          .addKeyValue("suppressed", suppressed)
          .log("peer.handshake-refused");
    }
  }

  /** How many were passed over since the last line, or -1 where this one is passed over too. */
  private long turn(String key) {
    Instant now = clock.instant();
    if (!addresses.containsKey(key) && addresses.size() >= maxAddresses) {
      addresses.values().removeIf(logged -> isOver(logged, now));
    }
    boolean room = addresses.containsKey(key) || addresses.size() < maxAddresses;
    Logged logged = addresses.computeIfAbsent(room ? key : FURTHER, any -> new Logged());
    if (!isOver(logged, now)) {
      logged.suppressed++;
      return -1;
    }
    long suppressed = logged.suppressed;
    logged.at = now;
    logged.suppressed = 0;
    return suppressed;
  }

  /** The absolute distance: a clock that was set back must not silence the log. */
  private static boolean isOver(Logged logged, Instant now) {
    return logged.at == null || Duration.between(logged.at, now).abs().compareTo(LOG_EVERY) >= 0;
  }

  synchronized int addresses() {
    return addresses.size();
  }

  /** The host without its port: every attempt has another one. */
  private static String text(SocketAddress remote) {
    if (remote instanceof InetSocketAddress inet) {
      InetAddress host = inet.getAddress();
      return host == null ? inet.getHostString() : host.getHostAddress();
    }
    return remote == null ? "unknown" : remote.toString();
  }

  /**
   * The class of a failure. TLS stacks differ in types and texts: what our own check of a
   * certificate says comes first, then types, then the texts of the JDK and of BoringSSL.
   */
  static RefusalReason reasonOf(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateRefused refused) {
        return refused.reason();
      }
      if (cause instanceof NotSslRecordException) {
        return RefusalReason.NOT_TLS;
      }
      if (cause instanceof SslHandshakeTimeoutException
          || cause instanceof SslClosedEngineException
          || cause instanceof ClosedChannelException
          || cause instanceof EOFException) {
        return RefusalReason.STOPPED;
      }
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      RefusalReason reason = byText(cause);
      if (reason != RefusalReason.OTHER) {
        return reason;
      }
    }
    return RefusalReason.OTHER;
  }

  private static RefusalReason byText(Throwable cause) {
    String text = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT).replace(' ', '_');
    if (text.contains("alert")) {
      if (text.contains("certificate_expired")) {
        return RefusalReason.NOT_VALID_NOW;
      }
      if (text.contains("certificate_required")) {
        return RefusalReason.NO_CERTIFICATE;
      }
      if (text.contains("certificate_unknown")
          || text.contains("bad_certificate")
          || text.contains("unknown_ca")
          || text.contains("decrypt_error")) {
        return RefusalReason.WRONG_TOKEN;
      }
    }
    if (text.contains("empty_client_certificate_chain")
        || text.contains("did_not_return_a_certificate")) {
      return RefusalReason.NO_CERTIFICATE;
    }
    if (text.contains("unrecognized_ssl_message")
        || text.contains("unsupported_or_unrecognized_ssl")
        || text.contains("http_request")
        || text.contains("wrong_version_number")) {
      return RefusalReason.NOT_TLS;
    }
    if (text.contains("closing_inbound_before")
        || text.contains("closed_while_ssl/tls_handshake")
        || text.contains("connection_reset")
        || text.contains("broken_pipe")
        || (cause instanceof IOException && !(cause instanceof SSLException))) {
      return RefusalReason.STOPPED;
    }
    return RefusalReason.OTHER;
  }

  /** One line for a person; what the far side may have put into it cannot break the log. */
  static String detail(RefusalReason reason, Throwable failure) {
    String text = null;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateRefused) {
        text = cause.getMessage();
      }
    }
    if (text == null) {
      String said = failure.getMessage() == null ? failure.toString() : failure.getMessage();
      text =
          switch (reason) {
            case WRONG_TOKEN ->
                "the peer does not take our certificate: it has another token, or its clock is"
                    + " wrong ("
                    + said
                    + ")";
            case NO_CERTIFICATE -> "the peer showed no certificate (" + said + ")";
            case NOT_VALID_NOW ->
                "the peer finds our certificate expired: the clock of that gateway or of this one"
                    + " may be wrong ("
                    + said
                    + ")";
            case NOT_TLS -> "what came is not TLS"; // and is not repeated: it may be anything
            case STOPPED -> "the peer stopped within the handshake (" + said + ")";
            case OTHER -> said;
          };
    }
    StringBuilder clean = new StringBuilder();
    text.chars()
        .limit(MAX_DETAIL_CHARS)
        .forEach(c -> clean.append(c >= ' ' && c < 0x7f ? (char) c : '?'));
    return clean.toString();
  }
}
