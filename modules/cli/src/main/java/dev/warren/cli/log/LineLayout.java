package dev.warren.cli.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.slf4j.event.KeyValuePair;

/**
 * One event as one line: {@code 2026-11-21T01:30:22.123Z INFO tunnel.up session=foo tunnels=1}.
 * Values with blanks are quoted and control characters escaped, so that nobody who names a thing
 * can write lines of his own. A stack trace follows on lines that begin with a tab.
 */
final class LineLayout extends LayoutBase<ILoggingEvent> {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSX").withZone(ZoneOffset.UTC);

  @Override
  public String doLayout(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(160);
    TIME.formatTo(Instant.ofEpochMilli(event.getTimeStamp()), line);
    line.append(' ').append(event.getLevel()).append(' ');
    boolean ours = event.getLoggerName().startsWith("dev.warren.");
    if (ours) {
      escape(event.getFormattedMessage(), line);
    } else {
      line.append("library");
      value("logger", event.getLoggerName(), line);
      value("message", event.getFormattedMessage(), line);
    }
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair pair : event.getKeyValuePairs()) {
        value(pair.key, shown(pair.value), line);
      }
    }
    IThrowableProxy thrown = event.getThrowableProxy();
    if (thrown != null) {
      value("exception", thrown.getClassName() + ": " + thrown.getMessage(), line);
    }
    line.append('\n');
    if (thrown != null) {
      ThrowableProxyUtil.asString(thrown)
          .lines()
          .forEach(frame -> line.append('\t').append(frame.strip()).append('\n'));
    }
    return line.toString();
  }

  /** Java shows an address as name/address:port, with the slash even where there is no name. */
  private static String shown(Object value) {
    return value instanceof InetSocketAddress address && !address.isUnresolved()
        ? NetUtil.toSocketAddressString(address)
        : String.valueOf(value);
  }

  private static void value(String key, String value, StringBuilder line) {
    line.append(' ').append(key).append('=');
    boolean plain =
        !value.isEmpty()
            && value.chars().allMatch(c -> c > ' ' && c != '"' && c != '=' && c != 0x7f);
    if (plain) {
      line.append(value);
    } else {
      line.append('"');
      escape(value, line);
      line.append('"');
    }
  }

  private static void escape(String text, StringBuilder line) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> line.append('\\').append(c);
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
            line.append(String.format("\\u%04x", (int) c));
          } else {
            line.append(c);
          }
        }
      }
    }
  }
}
