package dev.warren.agent.dial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RefusalLogTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger(RefusalLog.class);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

  private long now = Long.MAX_VALUE - 1;
  private final RefusalLog refusals = new RefusalLog(() -> now);

  @BeforeEach
  void listen() {
    lines.start();
    logger.addAppender(lines);
    logger.setAdditive(false);
  }

  @AfterEach
  void stop() {
    logger.detachAppender(lines);
    logger.setAdditive(true);
  }

  @Test
  void oneLineForATargetNamesWhatWasRefusedAndWhy() {
    DialRequest request = request(80);
    refusals.refused(request, "not allowed");
    ILoggingEvent line = lines.list.get(0);
    assertEquals("dial.forbidden", line.getMessage());
    String fields = line.getKeyValuePairs().toString();
    for (String field :
        List.of(
            "target=\"10.0.0.1:80\"",
            "caller=\"ann\"",
            "reason=\"not allowed\"",
            request.key().stream().publicId())) {
      assertTrue(fields.contains(field), fields);
    }
  }

  @Test
  void repetitionsAreCountedAndToldWithTheNextLine() {
    for (int i = 0; i < 10; i++) {
      refusals.refused(request(80), "no");
    }
    assertEquals(1, lines.list.size());
    now += RefusalLog.QUIET.toNanos() - 1;
    refusals.refused(request(80), "no");
    assertEquals(1, lines.list.size());
    now++;
    refusals.refused(request(80), "no");
    assertEquals(2, lines.list.size());
    assertTrue(lines.list.get(1).getKeyValuePairs().toString().contains("left-out=\"10\""));
  }

  @Test
  void manyTargetsTogetherAreBoundedToo() {
    for (int port = 1; port <= RefusalLog.MAX_LINES + 5; port++) {
      refusals.refused(request(port), "no");
    }
    assertEquals(RefusalLog.MAX_LINES, lines.list.size());
    now += RefusalLog.QUIET.toNanos();
    refusals.refused(request(60_000), "no");
    assertEquals(RefusalLog.MAX_LINES + 1, lines.list.size());
    assertTrue(
        lines
            .list
            .get(RefusalLog.MAX_LINES)
            .getKeyValuePairs()
            .toString()
            .contains("left-out=\"5\""));
  }

  @Test
  void noMoreTargetsAreRememberedThanTheLimit() {
    for (int i = 0; i < 2 * RefusalLog.MAX_TARGETS / RefusalLog.MAX_LINES + 1; i++) {
      for (int line = 0; line < RefusalLog.MAX_LINES; line++) {
        refusals.refused(request(1 + i * RefusalLog.MAX_LINES + line), "no");
      }
      now += RefusalLog.QUIET.toNanos();
    }
    assertEquals(RefusalLog.MAX_TARGETS, refusals.remembered());
  }

  private static DialRequest request(int port) {
    return new DialRequest(
        new DialRequest.Key(SessionKey.of("foo"), StreamId.random(), "ann"),
        new Target.Tcp("10.0.0.1", port),
        Duration.ofSeconds(1),
        0);
  }
}
