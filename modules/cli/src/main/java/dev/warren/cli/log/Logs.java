package dev.warren.cli.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import java.nio.charset.StandardCharsets;
import org.slf4j.LoggerFactory;

/**
 * Logs go to standard error, one event a line, as text or as JSON. Libraries are heard from WARN
 * on, because their chatter is about themselves.
 */
public final class Logs {
  /** The logger of frame headers. */
  public static final String FRAMES = "dev.warren.protocol.channel.FrameLog";

  /** How a line looks. */
  public enum Format {
    TEXT,
    JSON
  }

  /** What is heard. */
  public enum Threshold {
    ERROR(Level.ERROR),
    WARN(Level.WARN),
    INFO(Level.INFO),
    DEBUG(Level.DEBUG);

    private final Level level;

    Threshold(Level level) {
      this.level = level;
    }
  }

  private Logs() {}

  /**
   * Sets everything anew.
   *
   * @param frames whether frame headers are logged, whatever the threshold
   */
  public static void configure(Threshold threshold, Format format, boolean frames) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    ConsoleAppender<ILoggingEvent> stderr = new ConsoleAppender<>();
    stderr.setContext(context);
    stderr.setTarget("System.err");
    stderr.setEncoder(format == Format.JSON ? json(context) : text(context));
    stderr.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(stderr);
    root.setLevel(Level.WARN);
    context.getLogger("dev.warren").setLevel(threshold.level);
    context.getLogger(FRAMES).setLevel(frames ? Level.INFO : Level.OFF);
  }

  private static Encoder<ILoggingEvent> text(LoggerContext context) {
    LineLayout layout = new LineLayout();
    layout.setContext(context);
    layout.start();
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setLayout(layout);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.start();
    return encoder;
  }

  private static Encoder<ILoggingEvent> json(LoggerContext context) {
    JsonEncoder encoder = new JsonEncoder();
    encoder.setContext(context);
    encoder.setWithContext(false);
    encoder.setWithSequenceNumber(false);
    encoder.setWithNanoseconds(false);
    encoder.start();
    return encoder;
  }
}
