// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.EnvironmentDefaults;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The variables of {@code install-cni} that settings become: each is an option of the daemon's
 * ({@link EnvironmentDefaults}).
 */
final class DaemonEnvironment {
    /** The variable that only {@code ambient.enabled} sets, as it takes a mount and permissions besides. */
    static final String AMBIENT_ENABLED = "AMBIENT_ENABLED";

    private DaemonEnvironment() {}

    static SortedMap<String, String> of(CniValues values) {
        CniValues.Repair repair = values.repair();
        SortedMap<String, String> variables = new TreeMap<>();
        variables.put("CHAINED_CNI_PLUGIN", text(values.plugin().chained()));
        variables.put("CNI_BIN_DIR_ON_HOST", values.node().bin());
        variables.put("CNI_NET_DIR_ON_HOST", values.node().conf());
        values.plugin().confName().ifPresent(name -> variables.put("CNI_CONF_NAME", name));
        variables.put("EXCLUDE_NAMESPACES", String.join(",", values.plugin().excludedNamespaces()));
        values.plugin().owned().ifPresent(owned -> {
            variables.put("ISTIO_OWNED_CNI_CONFIG", text(true));
            owned.name().ifPresent(name -> variables.put("ISTIO_OWNED_CNI_CONFIG_FILENAME", name));
        });
        variables.put("LOG_FORMAT", values.logging().json() ? "json" : "text");
        variables.put("LOG_LEVEL", values.logging().daemon());
        variables.put("NATIVE_NFTABLES", text(values.plugin().nativeNftables()));
        variables.put("NODE_TAINT", text(values.plugin().nodeTaint()));
        variables.put("PLUGIN_LOG_LEVEL", values.logging().plugin());
        variables.put("REPAIR_DELETE_PODS", text(repair.mode() == CniValues.Repair.Mode.DELETE));
        variables.put("REPAIR_ENABLED", text(repair.enabled()));
        variables.put("REPAIR_INIT_CONTAINER_NAME", repair.initContainer());
        variables.put("REPAIR_LABEL_KEY", repair.labelKey());
        variables.put("REPAIR_LABEL_PODS", text(repair.mode() == CniValues.Repair.Mode.LABEL));
        variables.put("REPAIR_LABEL_VALUE", repair.labelValue());
        variables.put("REPAIR_REPAIR_PODS", text(repair.mode() == CniValues.Repair.Mode.REPAIR));
        values.ambient().ifPresent(ambient -> variables.putAll(of(ambient)));
        variables.putAll(values.plugin().env());
        return variables;
    }

    private static SortedMap<String, String> of(CniValues.Ambient ambient) {
        SortedMap<String, String> variables = new TreeMap<>();
        variables.put(AMBIENT_ENABLED, text(true));
        ambient.selectors().ifPresent(selectors -> variables.put("AMBIENT_ENABLEMENT_SELECTOR", selectors));
        ambient.dnsCapture().ifPresent(flag -> variables.put("AMBIENT_DNS_CAPTURE", text(flag)));
        ambient.ipv6().ifPresent(flag -> variables.put("AMBIENT_IPV6", text(flag)));
        ambient.systemNamespace().ifPresent(namespace -> variables.put("SYSTEM_NAMESPACE", namespace));
        return variables;
    }

    private static String text(boolean flag) {
        return String.valueOf(flag);
    }
}
