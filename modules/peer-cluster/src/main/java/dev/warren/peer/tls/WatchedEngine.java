package dev.warren.peer.tls;

import java.io.EOFException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;

/**
 * An engine for Artery that tells of a handshake that failed, which Artery itself does in silence.
 *
 * <p>Artery makes the engine of a connection without telling whose it is, so the remote address of
 * an inbound failure is unknown. It also has no timeout for a peer that connects and is silent: it
 * is told of here, but its connection stays open until the peer goes away. Outbound, Artery makes
 * the engine before it connects, and tries again for ever; that nobody is there is no refusal, so
 * there is no timeout.
 */
final class WatchedEngine extends SSLEngine {
  private final SSLEngine engine;
  private final Consumer<Throwable> onFailure;

  /** Whether the failure was told, or can no longer come. */
  private final AtomicBoolean settled = new AtomicBoolean();

  private final Future<?> timeout;

  /** In TLS 1.3 a client is done before the server has looked at its certificate. */
  private volatile boolean finished;

  WatchedEngine(
      SSLEngine engine,
      String host,
      int port,
      Consumer<Throwable> onFailure,
      ScheduledExecutorService thread,
      Duration handshakeTimeout) {
    super(host, port);
    this.engine = engine;
    this.onFailure = onFailure;
    this.timeout =
        engine.getUseClientMode()
            ? CompletableFuture.completedFuture(null)
            : schedule(thread, handshakeTimeout);
  }

  private Future<?> schedule(ScheduledExecutorService thread, Duration handshakeTimeout) {
    try {
      return thread.schedule(
          () -> {
            if (!finished) {
              failed(new StoppedException("no handshake within " + handshakeTimeout));
            }
          },
          handshakeTimeout.toMillis(),
          TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.completedFuture(null); // we are shutting down
    }
  }

  /** Not of TLS: the far side went away. */
  private static final class StoppedException extends EOFException {
    StoppedException(String message) {
      super(message);
    }
  }

  private void failed(Throwable cause) {
    if (settled.compareAndSet(false, true)) {
      timeout.cancel(false);
      onFailure.accept(cause);
    }
  }

  private SSLEngineResult saw(SSLEngineResult result) {
    if (result.getHandshakeStatus() == HandshakeStatus.FINISHED) {
      finished = true;
      timeout.cancel(false);
      if (!engine.getUseClientMode()) {
        settled.set(true);
      }
    }
    return result;
  }

  @Override
  public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer target)
      throws SSLException {
    try {
      return saw(engine.wrap(sources, offset, length, target));
    } catch (SSLException e) {
      failed(e);
      throw e;
    }
  }

  @Override
  public SSLEngineResult unwrap(ByteBuffer source, ByteBuffer[] targets, int offset, int length)
      throws SSLException {
    boolean wasFinished = finished;
    try {
      SSLEngineResult result = saw(engine.unwrap(source, targets, offset, length));
      if (wasFinished && result.bytesConsumed() > 0) {
        settled.set(true); // the server's session ticket, not its alert: it has accepted us
      }
      return result;
    } catch (SSLException e) {
      failed(e);
      throw e;
    }
  }

  @Override
  public void closeInbound() throws SSLException {
    if (!finished) {
      failed(new StoppedException("the connection was closed"));
    }
    engine.closeInbound();
  }

  @Override
  public void closeOutbound() {
    timeout.cancel(false);
    engine.closeOutbound();
  }

  @Override
  public Runnable getDelegatedTask() {
    return engine.getDelegatedTask();
  }

  @Override
  public boolean isInboundDone() {
    return engine.isInboundDone();
  }

  @Override
  public boolean isOutboundDone() {
    return engine.isOutboundDone();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return engine.getSupportedCipherSuites();
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return engine.getEnabledCipherSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {
    engine.setEnabledCipherSuites(suites);
  }

  @Override
  public String[] getSupportedProtocols() {
    return engine.getSupportedProtocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return engine.getEnabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {
    engine.setEnabledProtocols(protocols);
  }

  @Override
  public SSLSession getSession() {
    return engine.getSession();
  }

  @Override
  public SSLSession getHandshakeSession() {
    return engine.getHandshakeSession();
  }

  @Override
  public void beginHandshake() throws SSLException {
    engine.beginHandshake();
  }

  @Override
  public HandshakeStatus getHandshakeStatus() {
    return engine.getHandshakeStatus();
  }

  @Override
  public void setUseClientMode(boolean mode) {
    engine.setUseClientMode(mode);
  }

  @Override
  public boolean getUseClientMode() {
    return engine.getUseClientMode();
  }

  @Override
  public void setNeedClientAuth(boolean need) {
    engine.setNeedClientAuth(need);
  }

  @Override
  public boolean getNeedClientAuth() {
    return engine.getNeedClientAuth();
  }

  @Override
  public void setWantClientAuth(boolean want) {
    engine.setWantClientAuth(want);
  }

  @Override
  public boolean getWantClientAuth() {
    return engine.getWantClientAuth();
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {
    engine.setEnableSessionCreation(flag);
  }

  @Override
  public boolean getEnableSessionCreation() {
    return engine.getEnableSessionCreation();
  }

  @Override
  public SSLParameters getSSLParameters() {
    return engine.getSSLParameters();
  }

  @Override
  public void setSSLParameters(SSLParameters parameters) {
    engine.setSSLParameters(parameters);
  }

  @Override
  public String getApplicationProtocol() {
    return engine.getApplicationProtocol();
  }

  @Override
  public String getHandshakeApplicationProtocol() {
    return engine.getHandshakeApplicationProtocol();
  }

  @Override
  public void setHandshakeApplicationProtocolSelector(
      BiFunction<SSLEngine, List<String>, String> selector) {
    engine.setHandshakeApplicationProtocolSelector(selector);
  }

  @Override
  public BiFunction<SSLEngine, List<String>, String> getHandshakeApplicationProtocolSelector() {
    return engine.getHandshakeApplicationProtocolSelector();
  }
}
