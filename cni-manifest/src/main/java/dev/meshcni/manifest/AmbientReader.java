// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.meshcni.ambient.SelectorReader;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import java.util.Optional;

/** Reads {@code values.cni.ambient}, also where ambient mode is off, so that nothing wrong in it stays unnoticed. */
final class AmbientReader {
    /** The namespace that the daemon takes for ztunnel's unless it is told another. */
    private static final String USUAL_NAMESPACE = "istio-system";

    /** Keys in the order in which the chart has them as well. */
    private static final ObjectMapper JSON =
            new ObjectMapper().configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

    private AmbientReader() {}

    /**
     * Reads it.
     *
     * @param cni {@code values.cni}
     * @param byProfile whether a profile turns it on, unless a setting turns it off
     * @param istioNamespace {@code values.global.istioNamespace}
     * @return empty where ambient mode is off
     */
    static Optional<CniValues.Ambient> read(SettingsSection cni, boolean byProfile, Optional<String> istioNamespace) {
        try (SettingsSection ambient = cni.section("ambient")) {
            boolean enabled = ambient.flag("enabled").orElse(byProfile);
            CniValues.Ambient read = new CniValues.Ambient(
                    ambient.part("enablementSelectors", AmbientReader::selectors),
                    ambient.flag("dnsCapture"),
                    ambient.flag("ipv6"),
                    istioNamespace.filter(name -> !name.equals(USUAL_NAMESPACE)));
            return enabled ? Optional.of(read) : Optional.empty();
        }
    }

    /**
     * The selectors as they are given to the daemon, which reads the same list.
     *
     * @throws ManifestException if they are none
     */
    private static String selectors(Yaml yaml) {
        SelectorReader.of(yaml);
        return JSON.valueToTree(yaml.json()).toString();
    }
}
