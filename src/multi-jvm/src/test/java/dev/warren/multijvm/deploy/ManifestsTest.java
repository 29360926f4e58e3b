package dev.warren.multijvm.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.process.DeployedGateway;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** deploy/k8s says what the program understands, and a cluster comes of it. */
@Timeout(300)
class ManifestsTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** What the process may need after the drain: to leave the cluster, and to close. */
  private static final int AFTER_DRAIN_SECONDS = 20;

  private static final Map<String, String> LABELS = Map.of("app.kubernetes.io/name", "warren");
  private static Manifests manifests;

  @TempDir Path directory;

  @BeforeAll
  static void read() throws IOException {
    manifests = Manifests.read();
  }

  @Test
  void fieldThatKubernetesDoesNotKnowIsRefused() {
    assertThrows(
        UnrecognizedPropertyException.class,
        () -> Manifests.read("apiVersion: v1\nkind: Service\nspec:\n  clusterIp: None\n"));
    assertThrows(IOException.class, () -> Manifests.read("apiVersion: v1\nkind: Servise\n"));
  }

  @Test
  void everyFlagIsTheProgramsOwn() throws Exception {
    String help = DeployedGateway.help("gateway", "--help");
    List<String> arguments = manifests.container().getArgs();
    assertEquals("gateway", arguments.get(0));
    for (String argument : arguments.subList(1, arguments.size())) {
      String flag = argument.substring(0, argument.indexOf('='));
      assertTrue(help.contains(flag + "="), flag + " in " + help);
    }
    for (var variable : manifests.container().getEnv()) {
      assertFalse(variable.getName().startsWith("WARREN_"), variable.getName());
    }
  }

  @Test
  void everyPortIsOneThatTheProgramListensOn() {
    Map<String, Integer> ports = new TreeMap<>();
    for (ContainerPort port : manifests.container().getPorts()) {
      ports.put(port.getName(), port.getContainerPort());
    }
    assertEquals(
        Map.of(
            "https", manifests.port("--listen"),
            "cluster", manifests.port("--cluster-listen"),
            "link", manifests.port("--link-listen")),
        ports);
    for (HasMetadata each : manifests.objects()) {
      if (each instanceof Service service) {
        assertEquals(LABELS, service.getSpec().getSelector());
        for (ServicePort port : service.getSpec().getPorts()) {
          assertTrue(ports.containsKey(port.getTargetPort().getStrVal()), port.toString());
        }
      }
    }
    Set<Integer> allowed = new TreeSet<>();
    manifests
        .get(NetworkPolicy.class, "warren")
        .getSpec()
        .getIngress()
        .forEach(rule -> rule.getPorts().forEach(port -> allowed.add(port.getPort().getIntVal())));
    assertEquals(new TreeSet<>(ports.values()), allowed);
  }

  @Test
  void gatewaysFindEachOtherBeforeTheyAreReady() {
    Service peers = manifests.get(Service.class, manifests.gateways().getSpec().getServiceName());
    assertEquals("None", peers.getSpec().getClusterIP());
    assertTrue(peers.getSpec().getPublishNotReadyAddresses());
    assertEquals(
        peers.getMetadata().getName()
            + ":"
            + manifests.port("--cluster-listen")
            + "/"
            + manifests.port("--link-listen"),
        manifests.argument("--join"));
  }

  @Test
  void kubernetesWaitsLongerThanADrainMayTake() {
    PodSpec pod = manifests.gateways().getSpec().getTemplate().getSpec();
    List<String> before = manifests.container().getLifecycle().getPreStop().getExec().getCommand();
    assertEquals("sleep", before.get(0));
    long longest =
        Long.parseLong(before.get(1))
            + seconds("--drain-notice")
            + seconds("--drain-timeout")
            + AFTER_DRAIN_SECONDS;
    assertTrue(pod.getTerminationGracePeriodSeconds() > longest, longest + " s");
    var ready = manifests.container().getReadinessProbe();
    assertTrue(
        ready.getPeriodSeconds() * ready.getFailureThreshold() < seconds("--drain-notice"),
        "a load balancer sees that it is not ready while it still listens");
    assertEquals(
        1,
        manifests
            .get(PodDisruptionBudget.class, "warren")
            .getSpec()
            .getMaxUnavailable()
            .getIntVal());
  }

  private static long seconds(String flag) {
    return Long.parseLong(manifests.argument(flag).replaceFirst("s$", ""));
  }

  @Test
  void probesAskWhatTheFrontAnswers() {
    for (var probe :
        List.of(
            manifests.container().getStartupProbe(),
            manifests.container().getLivenessProbe(),
            manifests.container().getReadinessProbe())) {
      HTTPGetAction get = probe.getHttpGet();
      assertEquals("https", get.getPort().getStrVal());
      assertEquals("HTTPS", get.getScheme());
      assertTrue(List.of("/healthz", "/readyz").contains(get.getPath()), get.getPath());
    }
    assertEquals("/readyz", manifests.container().getReadinessProbe().getHttpGet().getPath());
  }

  @Test
  void theProcessHasNoMoreRightsThanItNeeds() {
    PodSpec pod = manifests.gateways().getSpec().getTemplate().getSpec();
    assertTrue(pod.getSecurityContext().getRunAsNonRoot());
    assertFalse(pod.getAutomountServiceAccountToken());
    // Kubernetes' own WARREN_... variables would be read as settings.
    assertFalse(pod.getEnableServiceLinks());
    var container = manifests.container().getSecurityContext();
    assertTrue(container.getReadOnlyRootFilesystem());
    assertFalse(container.getAllowPrivilegeEscalation());
    assertEquals(List.of("ALL"), container.getCapabilities().getDrop());
    Set<String> volumes = new TreeSet<>();
    pod.getVolumes().stream().map(Volume::getName).forEach(volumes::add);
    Set<String> mounted = new TreeSet<>();
    manifests.container().getVolumeMounts().stream()
        .map(VolumeMount::getName)
        .forEach(mounted::add);
    assertEquals(volumes, mounted);
    for (String argument : manifests.container().getArgs()) {
      int path = argument.indexOf("=/");
      assertTrue(
          path < 0
              || manifests.container().getVolumeMounts().stream()
                  .anyMatch(mount -> argument.startsWith(mount.getMountPath() + "/", path + 1)),
          argument + " is mounted");
    }
  }

  /**
   * The arguments as they stand, but for the pod's name and address, the directory of the Secrets,
   * and times. The name of the headless Service leads to all three, as it does in Kubernetes. Two
   * bytes of the addresses are random, so that the ports are free.
   */
  @Test
  void threeOfThemAreOneClusterAndGoInGoodOrder() throws Exception {
    String network =
        "127."
            + ThreadLocalRandom.current().nextInt(1, 255)
            + "."
            + ThreadLocalRandom.current().nextInt(1, 255)
            + ".";
    Path secrets = secrets();
    Path hosts = directory.resolve("hosts");
    StringBuilder names = new StringBuilder();
    int size = manifests.gateways().getSpec().getReplicas();
    for (int i = 0; i < size; i++) {
      names.append(network).append(i + 1).append(" warren-peers\n");
    }
    Files.writeString(hosts, names);
    List<DeployedGateway> gateways = new ArrayList<>();
    try {
      for (int i = 0; i < size; i++) {
        gateways.add(
            DeployedGateway.start(
                "warren-" + i, hosts, arguments("warren-" + i, network + (i + 1), secrets)));
      }
      Eventually.within(
          Duration.ofSeconds(120),
          Duration.ofMillis(200),
          () -> {
            for (int i = 0; i < gateways.size(); i++) {
              String others = "warren-0 warren-1 warren-2".replaceFirst("warren-" + i + " ?", "");
              assertEquals(
                  List.of("member", "warren-0 warren-1 warren-2", others.strip()),
                  gateways.get(i).cluster());
            }
          });
      HttpClient kubelet = HttpClient.newBuilder().sslContext(trustingAll()).build();
      for (int i = 0; i < size; i++) {
        assertEquals(200, probe(kubelet, network + (i + 1), "/healthz"));
        assertEquals(200, probe(kubelet, network + (i + 1), "/readyz"));
      }
      gateways.get(2).admin().drain();
      assertEquals(0, gateways.get(2).awaitExit(60));
      Eventually.within(
          Duration.ofSeconds(30),
          Duration.ofMillis(200),
          () -> assertEquals("warren-0 warren-1", gateways.get(0).cluster().get(1)));
    } catch (AssertionError | IOException e) {
      gateways.forEach(each -> System.err.println("---- " + each + "\n" + each.log().end()));
      throw e;
    } finally {
      gateways.forEach(DeployedGateway::close);
    }
  }

  private List<String> arguments(String name, String address, Path secrets) {
    return manifests.container().getArgs().stream()
        .map(
            argument ->
                argument
                    .replace("$(POD_NAME)", name)
                    .replace("$(POD_IP)", address)
                    .replace("=/etc/warren/", "=" + secrets + "/")
                    .replaceFirst("^(--drain-notice)=.*", "$1=500ms")
                    .replaceFirst("^(--drain-timeout)=.*", "$1=2s")
                    .replace("--log-format=json", "--log-format=text"))
        .toList();
  }

  /** What README.md tells to put into the Secrets. */
  private Path secrets() throws Exception {
    Path tls = Files.createDirectories(directory.resolve("tls"));
    X509Bundle bundle =
        new CertificateBuilder()
            .subject("CN=warren")
            .addSanDnsName("warren.example.org")
            .algorithm(CertificateBuilder.Algorithm.ecp256)
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    Files.writeString(tls.resolve("tls.crt"), bundle.getCertificatePathPEM());
    Files.writeString(tls.resolve("tls.key"), bundle.getPrivateKeyPEM());
    Path tokens = Files.createDirectories(directory.resolve("tokens"));
    for (TokenKind kind : List.of(TokenKind.AGENT, TokenKind.CALLER)) {
      Files.writeString(
          tokens.resolve(kind == TokenKind.AGENT ? "agents.tokens" : "callers.tokens"),
          Token.hash(Token.generate(kind, RANDOM)) + " foo\n");
    }
    Files.writeString(
        Files.createDirectories(directory.resolve("cluster")).resolve("cluster.token"),
        Token.generate(TokenKind.CLUSTER, RANDOM) + "\n");
    return directory;
  }

  private static int probe(HttpClient kubelet, String address, String path) throws Exception {
    URI uri = URI.create("https://" + address + ":" + manifests.port("--listen") + path);
    return kubelet
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  /** A kubelet verifies nothing when it probes. */
  private static SSLContext trustingAll() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustAll()}, RANDOM);
    return context;
  }

  private static final class TrustAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
