package dev.warren.multijvm.load;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A target behind the agents that takes its time, so that what runs through a tunnel runs for as
 * long as a test wants, whatever buffers lie on the way: answers that come late, downloads that
 * drip, WebSockets that echo. Each request has a connection of its own.
 */
public final class SlowTarget implements AutoCloseable {
  private static final int CHUNK_BYTES = 8 * 1024;
  private static final int CHUNKS_PER_SECOND = 10;
  private static final int MAX_SECONDS = 60;
  private static final long SEED = 20_261_122;
  private static final String WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  private static final byte[] ALL = new byte[MAX_SECONDS * CHUNKS_PER_SECOND * CHUNK_BYTES];

  static {
    new SplittableRandom(SEED).nextBytes(ALL);
  }

  private final ServerSocket listener;

  private SlowTarget(ServerSocket listener) {
    this.listener = listener;
  }

  /** One on a free loopback port. */
  public static SlowTarget start() throws IOException {
    SlowTarget target =
        new SlowTarget(new ServerSocket(0, 1_024, InetAddress.getByName("127.0.0.1")));
    daemon(target::accept);
    return target;
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(null, task, "slow-target", 128 * 1024);
    thread.setDaemon(true);
    thread.start();
  }

  /** By which a caller gets an answer after so long. */
  public String late(String agent, int millis) {
    return path(agent, "late/" + millis);
  }

  /** By which a caller gets {@link #bytes}, evenly over so many seconds. */
  public String drip(String agent, int seconds) {
    return path(agent, "drip/" + seconds);
  }

  /** By which a caller gets a WebSocket that echoes. */
  public String echo(String agent) {
    return path(agent, "echo");
  }

  private String path(String agent, String rest) {
    return "/client/" + agent + "/http/127.0.0.1:" + listener.getLocalPort() + "/" + rest;
  }

  /** What {@link #drip} gives. */
  public static byte[] bytes(int seconds) {
    return Arrays.copyOf(ALL, seconds * CHUNKS_PER_SECOND * CHUNK_BYTES);
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket caller = listener.accept();
        daemon(() -> serve(caller));
      } catch (IOException e) {
        // Closed, or a connection that was gone before it was there.
      }
    }
  }

  private static void serve(Socket caller) {
    try (caller) {
      caller.setTcpNoDelay(true);
      DataInputStream in = new DataInputStream(new BufferedInputStream(caller.getInputStream()));
      OutputStream out = caller.getOutputStream();
      String key = "";
      String path = line(in).split(" ", 3)[1];
      for (String header = line(in); !header.isEmpty(); header = line(in)) {
        if (header.toLowerCase(Locale.ROOT).startsWith("sec-websocket-key:")) {
          key = header.substring(header.indexOf(':') + 1).strip();
        }
      }
      String[] words = path.split("/", -1);
      switch (words[1]) {
        case "late" -> {
          LockSupport.parkNanos(Integer.parseInt(words[2]) * 1_000_000L);
          head(out, "200 OK", "Content-Length: 5", "Connection: close");
          out.write("late\n".getBytes(StandardCharsets.US_ASCII));
        }
        case "drip" -> drip(out, Integer.parseInt(words[2]));
        case "echo" -> {
          head(
              out,
              "101 Switching Protocols",
              "Upgrade: websocket",
              "Connection: Upgrade",
              "Sec-WebSocket-Accept: " + accept(key));
          echo(in, out);
        }
        default -> head(out, "404 Not Found", "Content-Length: 0", "Connection: close");
      }
      out.flush();
    } catch (IOException | RuntimeException e) {
      // The caller sees it.
    }
  }

  private static void drip(OutputStream out, int seconds) throws IOException {
    int chunks = seconds * CHUNKS_PER_SECOND;
    head(out, "200 OK", "Content-Length: " + chunks * CHUNK_BYTES, "Connection: close");
    long start = System.nanoTime();
    for (int chunk = 0; chunk < chunks; chunk++) {
      out.write(ALL, chunk * CHUNK_BYTES, CHUNK_BYTES);
      out.flush();
      long due = start + (chunk + 1) * 1_000_000_000L / CHUNKS_PER_SECOND;
      LockSupport.parkNanos(due - System.nanoTime());
    }
  }

  /** RFC 6455, section 4.2.2. */
  static String accept(String key) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              MessageDigest.getInstance("SHA-1")
                  .digest((key + WEB_SOCKET_GUID).getBytes(StandardCharsets.US_ASCII)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }

  /** Short masked frames come, and go back without the mask (RFC 6455, section 5.2). */
  private static void echo(DataInputStream in, OutputStream out) throws IOException {
    while (true) {
      int opcode = in.readUnsignedByte();
      int length = in.readUnsignedByte() & 0x7f;
      byte[] frame = new byte[2 + length];
      byte[] mask = in.readNBytes(4);
      if (length > 125 || mask.length < 4 || in.readNBytes(frame, 2, length) < length) {
        return;
      }
      frame[0] = (byte) opcode;
      frame[1] = (byte) length;
      for (int i = 0; i < length; i++) {
        frame[2 + i] ^= mask[i % 4];
      }
      out.write(frame);
      out.flush();
    }
  }

  private static void head(OutputStream out, String status, String... headers) throws IOException {
    out.write(
        ("HTTP/1.1 " + status + "\r\n" + String.join("\r\n", headers) + "\r\n\r\n")
            .getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  private static String line(DataInputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int next = in.readUnsignedByte();
      if (next == '\n') {
        return line.toString();
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
