package dev.warren.multijvm.process;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Shows the logs of a test's clusters, which are in fields of its class, where it fails. */
public final class LogsOnFailure implements AfterTestExecutionCallback {
  @Override
  public void afterTestExecution(ExtensionContext context) throws IllegalAccessException {
    if (context.getExecutionException().isEmpty()) {
      return;
    }
    for (Field field : context.getRequiredTestClass().getDeclaredFields()) {
      if (GatewayCluster.class.isAssignableFrom(field.getType())) {
        field.setAccessible(true);
        Object target =
            Modifier.isStatic(field.getModifiers()) ? null : context.getRequiredTestInstance();
        if (field.get(target) instanceof GatewayCluster cluster) {
          cluster.showLogs();
        }
      }
    }
  }
}
