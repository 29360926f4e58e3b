package dev.warren.multijvm.deploy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The objects of deploy/k8s, read with Kubernetes' own types; a field that they lack is a fault.
 */
record Manifests(List<HasMetadata> objects) {
  static final Path DIRECTORY = Path.of("../../deploy/k8s").toAbsolutePath().normalize();

  private static final Map<String, Class<? extends HasMetadata>> KINDS =
      Map.of(
          "apps/v1 StatefulSet", StatefulSet.class,
          "v1 Service", Service.class,
          "policy/v1 PodDisruptionBudget", PodDisruptionBudget.class,
          "networking.k8s.io/v1 NetworkPolicy", NetworkPolicy.class);

  private static final ObjectMapper YAML =
      new ObjectMapper(new YAMLFactory())
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .setAnnotationIntrospector(
              new JacksonAnnotationIntrospector() {
                private static final long serialVersionUID = 1L;

                /** The types would take any field; without this they take their own only. */
                @Override
                public Boolean hasAnySetter(Annotated annotated) {
                  return Boolean.FALSE;
                }
              });

  /** What kustomization.yaml has that stands beside the manifests. */
  private record Kustomization(
      String apiVersion, String kind, List<String> resources, List<Map<String, String>> images) {}

  static Manifests read() throws IOException {
    Kustomization all =
        YAML.readValue(DIRECTORY.resolve("kustomization.yaml").toFile(), Kustomization.class);
    List<HasMetadata> objects = new ArrayList<>();
    for (String file : all.resources()) {
      objects.addAll(read(Files.readString(DIRECTORY.resolve(file))));
    }
    return new Manifests(objects);
  }

  static List<HasMetadata> read(String text) throws IOException {
    List<HasMetadata> objects = new ArrayList<>();
    try (MappingIterator<com.fasterxml.jackson.databind.JsonNode> documents =
        YAML.readerFor(com.fasterxml.jackson.databind.JsonNode.class).readValues(text)) {
      while (documents.hasNext()) {
        com.fasterxml.jackson.databind.JsonNode document = documents.next();
        String kind = document.path("apiVersion").asText() + " " + document.path("kind").asText();
        if (!KINDS.containsKey(kind)) {
          throw new IOException(kind + " (expected: one of " + KINDS.keySet() + ")");
        }
        objects.add(YAML.treeToValue(document, KINDS.get(kind)));
      }
    }
    return objects;
  }

  <T extends HasMetadata> T get(Class<T> kind, String name) {
    return objects.stream()
        .filter(each -> kind.isInstance(each) && each.getMetadata().getName().equals(name))
        .map(kind::cast)
        .findFirst()
        .orElseThrow();
  }

  StatefulSet gateways() {
    return get(StatefulSet.class, "warren");
  }

  Container container() {
    return gateways().getSpec().getTemplate().getSpec().getContainers().get(0);
  }

  /** The value of a flag among the container's arguments. */
  String argument(String flag) {
    return container().getArgs().stream()
        .filter(each -> each.startsWith(flag + "="))
        .map(each -> each.substring(flag.length() + 1))
        .findFirst()
        .orElseThrow();
  }

  /** The port at the end of such a value. */
  int port(String flag) {
    String value = argument(flag);
    return Integer.parseInt(value.substring(value.lastIndexOf(':') + 1));
  }
}
