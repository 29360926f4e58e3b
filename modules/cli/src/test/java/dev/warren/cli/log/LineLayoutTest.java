package dev.warren.cli.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

class LineLayoutTest {
  private static final LoggerContext CONTEXT = new LoggerContext();

  private static String line(String logger, String message, Throwable thrown, Object... pairs) {
    Logger from = CONTEXT.getLogger(logger);
    LoggingEvent event = new LoggingEvent("", from, Level.INFO, message, thrown, null);
    event.setTimeStamp(0);
    for (int i = 0; i < pairs.length; i += 2) {
      event.addKeyValuePair(new KeyValuePair((String) pairs[i], pairs[i + 1]));
    }
    return new LineLayout().doLayout(event);
  }

  @Test
  void eventIsOneLineOfFields() {
    assertEquals(
        "1970-01-01T00:00:00.000Z INFO tunnel.up session=foo tunnels=1 listen=127.0.0.1:80\n",
        line(
            "dev.warren.gateway.X",
            "tunnel.up",
            null,
            "session",
            "foo",
            "tunnels",
            1,
            "listen",
            new InetSocketAddress("127.0.0.1", 80)));
  }

  @Test
  void nobodyCanWriteALineOfTheirOwn() {
    String line =
        line(
            "dev.warren.X",
            "a",
            null,
            "reason",
            "x\nINFO fake\r\u0085\u2028\u001b[1m\"\\",
            "empty",
            "");
    assertEquals(1, line.lines().count(), line);
    assertTrue(
        line.contains(" reason=\"x\\nINFO fake\\r\\u0085\\u2028\\u001b[1m\\\"\\\\\" empty=\"\""),
        line);
  }

  @Test
  void libraryIsNamed() {
    assertTrue(
        line("io.netty.X", "some text", null)
            .contains(" library logger=io.netty.X message=\"some text\""));
  }

  @Test
  void stackTraceFollowsIndented() {
    List<String> lines =
        line("dev.warren.X", "a", new IllegalStateException("bad\nthing")).lines().toList();
    assertTrue(
        lines.get(0).endsWith("exception=\"java.lang.IllegalStateException: bad\\nthing\""),
        lines.get(0));
    assertTrue(lines.stream().skip(1).allMatch(line -> line.startsWith("\t")), lines.toString());
  }
}
