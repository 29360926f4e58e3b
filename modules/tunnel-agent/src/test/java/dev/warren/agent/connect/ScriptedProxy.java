package dev.warren.agent.connect;

import dev.warren.agent.Eventually;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A proxy for one connection, which leads to a port of this machine whatever it is asked for. */
final class ScriptedProxy implements AutoCloseable {
  private final ServerSocket server;
  private volatile String request;

  /** What it does with the one connection. */
  private interface Script {
    void play(Socket client, ScriptedProxy proxy) throws IOException;
  }

  /** An HTTP proxy that accepts. */
  ScriptedProxy(int leadsTo) throws IOException {
    this(
        (client, proxy) -> {
          proxy.request = head(client.getInputStream());
          client
              .getOutputStream()
              .write(
                  "HTTP/1.1 200 Connection established\r\n\r\n"
                      .getBytes(StandardCharsets.US_ASCII));
          join(client, leadsTo);
        });
  }

  /** An HTTP proxy that answers so and hangs up. */
  ScriptedProxy(String answer) throws IOException {
    this(
        (client, proxy) -> {
          proxy.request = head(client.getInputStream());
          client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
        });
  }

  /** A SOCKS5 proxy (RFC 1928 and 1929) that accepts. */
  static ScriptedProxy socks(int leadsTo) throws IOException {
    return new ScriptedProxy(
        (client, proxy) -> {
          DataInputStream in = new DataInputStream(client.getInputStream());
          OutputStream out = client.getOutputStream();
          in.readByte();
          in.readNBytes(in.readUnsignedByte());
          out.write(new byte[] {5, 2});
          in.readByte();
          String user = text(in);
          String password = text(in);
          out.write(new byte[] {1, 0});
          in.readNBytes(4);
          String host = text(in);
          proxy.request = user + ":" + password + " " + host + ":" + in.readUnsignedShort();
          out.write(new byte[] {5, 0, 0, 1, 0, 0, 0, 0, 0, 0});
          join(client, leadsTo);
        });
  }

  private ScriptedProxy(Script script) throws IOException {
    server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
    start(
        () -> {
          try (Socket client = server.accept()) {
            script.play(client, this);
          }
        });
  }

  int port() {
    return server.getLocalPort();
  }

  /** What it was asked. */
  String request() {
    Eventually.holds(() -> request != null, () -> "the proxy was not asked");
    return request;
  }

  private static String text(DataInputStream in) throws IOException {
    return new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.US_ASCII);
  }

  /** Reads to the end of a request's head. */
  static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    for (int c = in.read(); c >= 0; c = in.read()) {
      head.append((char) c);
      if (head.indexOf("\r\n\r\n") >= 0) {
        break;
      }
    }
    return head.toString();
  }

  private static void join(Socket client, int leadsTo) throws IOException {
    try (Socket far = new Socket(InetAddress.getLoopbackAddress(), leadsTo)) {
      start(
          () -> {
            far.getInputStream().transferTo(client.getOutputStream());
            client.shutdownOutput();
          });
      client.getInputStream().transferTo(far.getOutputStream());
    }
  }

  private interface Task {
    void run() throws IOException;
  }

  private static void start(Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException e) {
                // one of the two hung up: the test is over
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
