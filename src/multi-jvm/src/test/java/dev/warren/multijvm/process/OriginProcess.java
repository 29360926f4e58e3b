package dev.warren.multijvm.process;

import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A file server behind the agents, with a small file and a large one whose bytes are known. One
 * serves all tests of a JVM.
 */
public final class OriginProcess extends WarrenProcess {
  /** What {@link #hello} has. */
  public static final String HELLO = "hello\n";

  /** The length of {@link #large}. */
  public static final int LARGE_BYTES = 48 << 20;

  private static final long SEED = 20_261_121;
  private static OriginProcess shared;

  private final int port;

  private OriginProcess(int port, Path root, List<String> around) throws IOException {
    super(
        "origin",
        "64m",
        around,
        List.of("files", "--listen", "127.0.0.1:" + port, "--root", root.toString()));
    this.port = port;
  }

  /** The one that all tests of this JVM use. */
  public static synchronized OriginProcess shared() throws IOException, InterruptedException {
    if (shared == null) {
      OriginProcess origin = start(List.of());
      Eventually.within(
          Duration.ofSeconds(60),
          () -> {
            int status =
                new Caller("origin", new InetSocketAddress("127.0.0.1", origin.port))
                    .get("/hello.txt", Duration.ofSeconds(2))
                    .status();
            if (status != 200) {
              throw new AssertionError("the origin answers " + status);
            }
          });
      shared = origin;
    }
    return shared;
  }

  /** One more, as within a network namespace; does not wait for it. */
  public static OriginProcess start(List<String> around) throws IOException {
    Path root = Files.createTempDirectory("warren-origin-");
    Files.writeString(root.resolve("hello.txt"), HELLO);
    Files.write(root.resolve("large.bin"), LargeBytes.ALL);
    root.toFile().deleteOnExit();
    root.resolve("hello.txt").toFile().deleteOnExit();
    root.resolve("large.bin").toFile().deleteOnExit();
    OriginProcess origin = new OriginProcess(FreePorts.next(), root, around);
    origin.start();
    return origin;
  }

  /** The path by which a caller of any gateway gets a small file through this agent. */
  public String hello(String agent) {
    return path(agent, "hello.txt");
  }

  /** ... and a large one, of {@link #largeBytes}. */
  public String large(String agent) {
    return path(agent, "large.bin");
  }

  private String path(String agent, String file) {
    return "/client/" + agent + "/http/127.0.0.1:" + port + "/" + file;
  }

  public static byte[] largeBytes() {
    return LargeBytes.ALL;
  }

  private static final class LargeBytes {
    private static final byte[] ALL = new byte[LARGE_BYTES];

    static {
      new SplittableRandom(SEED).nextBytes(ALL);
    }
  }
}
