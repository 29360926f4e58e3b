package dev.warren.cli.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The network between an agent and its gateway: it can be cut (both ends see a reset, as if the
 * other had died), or go on taking bytes and deliver none, in one direction or both.
 */
final class Cable implements AutoCloseable {
  private final ServerSocket listener;
  private final int port;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean cut;
  private volatile boolean deafOut; // what the agent sends is lost
  private volatile boolean deafIn; // what the gateway sends is lost

  private Cable(int port) throws IOException {
    this.port = port;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  /** A cable to this port of the gateway. */
  static Cable to(int gateway) throws IOException {
    Cable cable = new Cable(gateway);
    start("cable-accept", cable::accept);
    return cable;
  }

  /** Where the agent dials. */
  int port() {
    return listener.getLocalPort();
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket agent = listener.accept();
        if (cut) {
          reset(agent);
        } else {
          join(agent);
        }
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void join(Socket agent) throws IOException {
    Socket gateway = new Socket(InetAddress.getLoopbackAddress(), port);
    agent.setTcpNoDelay(true);
    gateway.setTcpNoDelay(true);
    sockets.add(agent);
    sockets.add(gateway);
    start("cable-out", () -> pump(agent, gateway, true));
    start("cable-in", () -> pump(gateway, agent, false));
    if (cut) {
      cut();
    }
  }

  private void pump(Socket from, Socket to, boolean outwards) {
    byte[] some = new byte[65_536];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(some); n >= 0; n = in.read(some)) {
        if (!(outwards ? deafOut : deafIn)) {
          out.write(some, 0, n);
        }
      }
      close(from);
      close(to);
    } catch (IOException broken) {
      reset(from);
      reset(to);
    }
    sockets.remove(from);
    sockets.remove(to);
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException closed) {
      // It is gone, which is what was wanted.
    }
  }

  private static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException closed) {
      // It is gone, which is what was wanted.
    }
    close(socket);
  }

  /** Ends what is there with a reset, and lets nothing new through. */
  void cut() {
    cut = true;
    sockets.forEach(Cable::reset);
    sockets.clear();
  }

  /** From now on bytes are taken and lost. */
  void deafen(boolean outwards, boolean inwards) {
    deafOut = outwards;
    deafIn = inwards;
  }

  /** New connections get through again; what was there is gone. */
  void mend() {
    sockets.forEach(Cable::reset);
    sockets.clear();
    deafen(false, false);
    cut = false;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}
