package dev.meshcni.core;

import dev.meshcni.api.Attachment;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The attachments that this agent has redirected and that the runtime has not deleted: kept in memory only, as the network
 * namespaces themselves say what is redirected.
 */
public final class Attachments {
    private record Key(String network, String containerId, String ifName) {}

    /**
     * A redirected attachment.
     *
     * @param pod {@code namespace/name}
     * @param netns the path that the runtime gave
     */
    public record Redirected(String pod, String netns) {}

    private final Map<Key, Redirected> known = new ConcurrentHashMap<>();

    Attachments() {}

    void add(String network, Attachment attachment, Redirected redirected) {
        known.put(new Key(network, attachment.containerId(), attachment.ifName()), redirected);
    }

    Optional<Redirected> remove(String network, Attachment attachment) {
        return Optional.ofNullable(known.remove(new Key(network, attachment.containerId(), attachment.ifName())));
    }

    /** Forgets what of a network is not among the valid attachments; returns how many that were. */
    int retain(String network, Collection<Attachment> valid) {
        Set<Key> keep = valid.stream()
                .map(attachment -> new Key(network, attachment.containerId(), attachment.ifName()))
                .collect(Collectors.toUnmodifiableSet());
        List<Key> gone = known.keySet().stream()
                .filter(key -> key.network().equals(network) && !keep.contains(key))
                .toList();
        return (int) gone.stream().filter(key -> known.remove(key) != null).count();
    }

    /** Whether an attachment of a pod, by {@code namespace/name}, is redirected. */
    public boolean redirected(String pod) {
        return known.values().stream().anyMatch(attachment -> attachment.pod().equals(pod));
    }

    /** The number of redirected attachments. */
    public int size() {
        return known.size();
    }
}
