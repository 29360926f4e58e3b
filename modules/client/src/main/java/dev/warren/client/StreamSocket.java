package dev.warren.client;

import dev.warren.client.DialException.Reason;
import dev.warren.protocol.Target;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * A stream as a socket, for drivers and clients that know nothing else. Options that concern TCP
 * are kept and do nothing, because the connection to the target is the agent's; timeouts, half
 * close, {@code available}, lingering and closing from another thread do what they do elsewhere.
 */
final class StreamSocket extends Socket {
  private static final Set<SocketOption<?>> OPTIONS =
      Set.of(
          StandardSocketOptions.TCP_NODELAY,
          StandardSocketOptions.SO_KEEPALIVE,
          StandardSocketOptions.SO_REUSEADDR,
          StandardSocketOptions.SO_RCVBUF,
          StandardSocketOptions.SO_SNDBUF,
          StandardSocketOptions.SO_LINGER,
          StandardSocketOptions.IP_TOS);

  private final Session session;
  private final Map<SocketOption<?>, Object> options = new HashMap<>();
  private final Object state = new Object();
  private final InputStream in = new In();
  private final OutputStream out = new Out();

  // Under the state's lock, or read at a moment's risk of being old.
  private volatile StreamPipe pipe; // null before it is connected
  private volatile Target target;
  private volatile boolean connecting;
  private volatile boolean closed;
  private volatile int soTimeout;
  private volatile int linger = -1;

  /** One that is not connected. */
  StreamSocket(Session session) throws IOException {
    super((SocketImpl) null); // whose methods would want one are all overridden
    this.session = session;
  }

  StreamSocket(Session session, Target target, StreamPipe pipe) throws IOException {
    this(session);
    this.target = target;
    this.pipe = pipe;
  }

  @Override
  public void connect(SocketAddress endpoint) throws IOException {
    connect(endpoint, 0);
  }

  /**
   * The name in the address is what the agent looks up, whether or not it means something here.
   *
   * @param timeout milliseconds; 0: as in the settings
   */
  @Override
  public void connect(SocketAddress endpoint, int timeout) throws IOException {
    if (!(endpoint instanceof InetSocketAddress address)) {
      throw new IllegalArgumentException("address " + endpoint + " (expected: a host and a port)");
    }
    if (timeout < 0) {
      throw new IllegalArgumentException("timeout " + timeout + " (expected: 0 or more)");
    }
    Target wanted = new Target.Tcp(host(address), address.getPort());
    synchronized (state) {
      checkOpen();
      if (pipe != null || connecting) {
        throw new SocketException("already connected");
      }
      connecting = true;
    }
    StreamPipe made = null;
    try {
      Duration limit = session.warren().settings().dialTimeout();
      made = session.await(session.dial(wanted, timeout > 0 ? Duration.ofMillis(timeout) : limit));
    } catch (DialException e) {
      if (timeout > 0 && e.reason() == Reason.TIMED_OUT) {
        SocketTimeoutException late = new SocketTimeoutException(e.getMessage());
        late.initCause(e);
        throw late;
      }
      throw e;
    } finally {
      synchronized (state) {
        connecting = false;
        if (made != null && !closed) {
          target = wanted;
          pipe = made;
          made = null;
        }
      }
    }
    if (made != null) {
      made.close(true);
      throw new SocketException("Socket closed");
    }
  }

  /** An address that was made from a name has it; one that was made from bytes has no name. */
  private static String host(InetSocketAddress address) {
    if (address.isUnresolved()) {
      return address.getHostString();
    }
    String text = address.getAddress().toString(); // NAME/ADDRESS, without a look-up
    int slash = text.indexOf('/');
    return slash > 0 ? text.substring(0, slash) : address.getAddress().getHostAddress();
  }

  private void checkOpen() throws SocketException {
    if (closed) {
      throw new SocketException("Socket closed");
    }
  }

  private StreamPipe connected() throws SocketException {
    checkOpen();
    StreamPipe open = pipe;
    if (open == null) {
      throw new SocketException("not connected");
    }
    return open;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    if (connected().isInputShut()) {
      throw new SocketException("Socket input is shutdown");
    }
    return in;
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    if (connected().isOutputShut()) {
      throw new SocketException("Socket output is shutdown");
    }
    return out;
  }

  private final class In extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return connected().read(ByteBuffer.wrap(bytes, offset, length), soTimeout);
    }

    @Override
    public int available() throws IOException {
      return connected().available();
    }

    @Override
    public void close() throws IOException {
      StreamSocket.this.close();
    }
  }

  private final class Out extends OutputStream {
    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      connected().write(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public void close() throws IOException {
      StreamSocket.this.close();
    }
  }

  @Override
  public void shutdownInput() throws IOException {
    connected().shutdownInput();
  }

  @Override
  public void shutdownOutput() throws IOException {
    connected().shutdownOutput();
  }

  @Override
  public void close() throws IOException {
    StreamPipe open;
    synchronized (state) {
      closed = true;
      open = pipe;
    }
    if (open != null) {
      open.close(linger == 0);
    }
  }

  @Override
  public boolean isConnected() {
    return pipe != null;
  }

  @Override
  public boolean isBound() {
    return pipe != null;
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  @Override
  public boolean isInputShutdown() {
    StreamPipe open = pipe;
    return open != null && open.isInputShut();
  }

  @Override
  public boolean isOutputShutdown() {
    StreamPipe open = pipe;
    return open != null && open.isOutputShut();
  }

  // Addresses.

  /** Has no meaning here: the stream begins at the agent. */
  @Override
  public void bind(SocketAddress local) throws IOException {
    checkOpen();
  }

  /** The target's name or address; a name is not looked up, so its address is all zeros. */
  @Override
  public InetAddress getInetAddress() {
    if (!(target instanceof Target.Tcp tcp)) {
      return null;
    }
    try {
      byte[] literal = NetUtil.createByteArrayFromIpAddressString(tcp.host());
      return InetAddress.getByAddress(tcp.host(), literal == null ? new byte[4] : literal);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an address", e);
    }
  }

  @Override
  public int getPort() {
    return target instanceof Target.Tcp tcp ? tcp.port() : 0;
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return target instanceof Target.Tcp tcp
        ? new InetSocketAddress(getInetAddress(), tcp.port())
        : null;
  }

  @Override
  public InetAddress getLocalAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public int getLocalPort() {
    return pipe == null ? -1 : 0;
  }

  @Override
  public SocketAddress getLocalSocketAddress() {
    return pipe == null ? null : new InetSocketAddress(getLocalAddress(), 0);
  }

  @Override
  public SocketChannel getChannel() {
    return null;
  }

  // Options.

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    checkOpen();
    if (timeout < 0) {
      throw new IllegalArgumentException("timeout " + timeout + " (expected: 0 or more)");
    }
    soTimeout = timeout;
  }

  @Override
  public int getSoTimeout() throws SocketException {
    checkOpen();
    return soTimeout;
  }

  /** Only 0 makes a difference: then {@link #close} resets the stream. */
  @Override
  public void setSoLinger(boolean on, int seconds) throws SocketException {
    checkOpen();
    if (on && seconds < 0) {
      throw new IllegalArgumentException("linger " + seconds + " (expected: 0 or more)");
    }
    linger = on ? seconds : -1;
  }

  @Override
  public int getSoLinger() throws SocketException {
    checkOpen();
    return linger;
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return OPTIONS;
  }

  @Override
  public <T> Socket setOption(SocketOption<T> name, T value) throws IOException {
    checkOpen();
    if (!OPTIONS.contains(name)) {
      throw new UnsupportedOperationException("option " + name);
    }
    if (name == StandardSocketOptions.SO_LINGER) {
      setSoLinger((Integer) value >= 0, (Integer) value);
    }
    set(name, value);
    return this;
  }

  @Override
  public <T> T getOption(SocketOption<T> name) throws IOException {
    checkOpen();
    if (!OPTIONS.contains(name)) {
      throw new UnsupportedOperationException("option " + name);
    }
    Object otherwise =
        name.type() == Boolean.class
            ? Boolean.FALSE
            : name == StandardSocketOptions.SO_LINGER ? (Object) linger : StreamPipe.HIGH_BYTES;
    synchronized (options) {
      return name.type().cast(options.getOrDefault(name, otherwise));
    }
  }

  private void set(SocketOption<?> name, Object value) throws SocketException {
    checkOpen();
    synchronized (options) {
      options.put(name, value);
    }
  }

  private boolean isOn(SocketOption<Boolean> name) throws SocketException {
    checkOpen();
    synchronized (options) {
      return Boolean.TRUE.equals(options.get(name));
    }
  }

  private int size(SocketOption<Integer> name, int otherwise) throws SocketException {
    checkOpen();
    synchronized (options) {
      return (Integer) options.getOrDefault(name, otherwise);
    }
  }

  @Override
  public void setTcpNoDelay(boolean on) throws SocketException {
    set(StandardSocketOptions.TCP_NODELAY, on);
  }

  @Override
  public boolean getTcpNoDelay() throws SocketException {
    return isOn(StandardSocketOptions.TCP_NODELAY);
  }

  @Override
  public void setKeepAlive(boolean on) throws SocketException {
    set(StandardSocketOptions.SO_KEEPALIVE, on);
  }

  @Override
  public boolean getKeepAlive() throws SocketException {
    return isOn(StandardSocketOptions.SO_KEEPALIVE);
  }

  @Override
  public void setReuseAddress(boolean on) throws SocketException {
    set(StandardSocketOptions.SO_REUSEADDR, on);
  }

  @Override
  public boolean getReuseAddress() throws SocketException {
    return isOn(StandardSocketOptions.SO_REUSEADDR);
  }

  @Override
  public void setSendBufferSize(int size) throws SocketException {
    set(StandardSocketOptions.SO_SNDBUF, positive(size));
  }

  @Override
  public int getSendBufferSize() throws SocketException {
    return size(StandardSocketOptions.SO_SNDBUF, StreamPipe.HIGH_BYTES);
  }

  @Override
  public void setReceiveBufferSize(int size) throws SocketException {
    set(StandardSocketOptions.SO_RCVBUF, positive(size));
  }

  @Override
  public int getReceiveBufferSize() throws SocketException {
    return size(StandardSocketOptions.SO_RCVBUF, StreamPipe.HIGH_BYTES);
  }

  private static int positive(int size) {
    if (size <= 0) {
      throw new IllegalArgumentException("size " + size + " (expected: more than 0)");
    }
    return size;
  }

  @Override
  public void setTrafficClass(int value) throws SocketException {
    set(StandardSocketOptions.IP_TOS, value);
  }

  @Override
  public int getTrafficClass() throws SocketException {
    return size(StandardSocketOptions.IP_TOS, 0);
  }

  @Override
  public void setOOBInline(boolean on) throws SocketException {
    checkOpen();
  }

  @Override
  public boolean getOOBInline() throws SocketException {
    checkOpen();
    return false;
  }

  @Override
  public void sendUrgentData(int data) throws IOException {
    throw new SocketException("urgent data are not carried");
  }

  @Override
  public void setPerformancePreferences(int connectionTime, int latency, int bandwidth) {
    // Nothing here could follow them.
  }

  @Override
  public String toString() {
    return "Stream[session " + session.id() + (target == null ? "" : ", target " + target) + "]";
  }
}
