package dev.warren.gateway.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Carries one connection on, byte for byte, until it is told to end it as TCP does: with a FIN. */
final class CuttingRelay implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  private volatile Socket caller;
  private volatile Socket target;

  CuttingRelay() throws IOException {}

  int port() {
    return listener.getLocalPort();
  }

  void to(int port) {
    Thread thread =
        new Thread(
            () -> {
              try {
                caller = listener.accept();
                target = new Socket(InetAddress.getLoopbackAddress(), port);
                Thread back = new Thread(() -> copy(target, caller), "relay back");
                back.setDaemon(true);
                back.start();
                copy(caller, target);
              } catch (IOException closed) {
                // with the test
              }
            },
            "relay");
    thread.setDaemon(true);
    thread.start();
  }

  private static void copy(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException ended) {
      // by the other side, or cut
    }
  }

  void cut() throws IOException {
    caller.shutdownOutput();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    if (caller != null) {
      caller.close();
    }
    if (target != null) {
      target.close();
    }
  }
}
