package dev.warren.agent.dial;

import dev.warren.agent.net.ConnectInTurn;
import dev.warren.agent.net.HostText;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Target;
import io.netty.channel.ConnectTimeoutException;
import io.netty.resolver.dns.DnsNameResolverTimeoutException;
import java.io.FileNotFoundException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What an operating system's answer to a connect means to a caller. */
final class ConnectFaults {
  private ConnectFaults() {}

  /**
   * The reason of the first address counts, as it is the one that should have accepted; the detail
   * names all that a name has. The caller knows the target.
   */
  static DialResult.Refused refused(Target target, List<ConnectInTurn.Failure> failures) {
    FaultCode code = reason(failures.get(0).cause()).code;
    String detail =
        target instanceof Target.Tcp tcp && HostText.of(tcp.host()) instanceof HostText.Name
            ? failures.stream()
                .map(failure -> shown(failure) + " " + reason(failure.cause()).text)
                .collect(Collectors.joining(", "))
            : reason(failures.get(0).cause()).text;
    return new DialResult.Refused(code, detail);
  }

  private static String shown(ConnectInTurn.Failure failure) {
    return failure.address() instanceof InetSocketAddress inet
        ? HostText.shown(inet.getAddress())
        : failure.address().toString();
  }

  static String unknownName(String name, Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof DnsNameResolverTimeoutException) {
        return "the name " + name + " is unknown at the agent: no DNS server answered";
      }
    }
    return "the name " + name + " is unknown at the agent";
  }

  private record Reason(FaultCode code, String text) {}

  private static Reason reason(Throwable cause) {
    if (cause instanceof ConnectTimeoutException) {
      return new Reason(FaultCode.TARGET_TIMEOUT, "no answer in time");
    }
    if (cause instanceof NoRouteToHostException) {
      return new Reason(FaultCode.TARGET_UNREACHABLE, "no route to it");
    }
    if (cause instanceof FileNotFoundException) {
      return new Reason(FaultCode.TARGET_UNKNOWN, "no such socket");
    }
    // NIO and epoll agree in the system's words, and in nothing else.
    String said = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
    for (Said known : SAID) {
      if (said.contains(known.words)) {
        return known.reason;
      }
    }
    return new Reason(FaultCode.TARGET_UNREACHABLE, cause.getClass().getSimpleName());
  }

  private record Said(String words, Reason reason) {}

  private static final List<Said> SAID =
      List.of(
          said("connection refused", FaultCode.TARGET_REFUSED),
          said("connection reset", FaultCode.TARGET_REFUSED),
          said("permission denied", FaultCode.TARGET_REFUSED),
          // What a full backlog is called on a socket of the Unix domain.
          said("temporarily unavailable", FaultCode.TARGET_REFUSED),
          said("connection timed out", FaultCode.TARGET_TIMEOUT),
          said("network is unreachable", FaultCode.TARGET_UNREACHABLE),
          said("no route to host", FaultCode.TARGET_UNREACHABLE),
          said("invalid argument", FaultCode.TARGET_UNREACHABLE),
          said("no such file", FaultCode.TARGET_UNKNOWN),
          said("too many open files", FaultCode.OVERLOADED),
          said("no buffer space", FaultCode.OVERLOADED),
          said("cannot assign requested address", FaultCode.OVERLOADED));

  private static Said said(String words, FaultCode code) {
    return new Said(words, new Reason(code, words));
  }
}
