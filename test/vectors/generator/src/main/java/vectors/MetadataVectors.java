package vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.metadata.MetadataRecordType;
import org.apache.kafka.common.protocol.*;

import java.nio.ByteBuffer;
import java.util.*;

/** Records of __cluster_metadata: random content, in the frame of MetadataRecordSerde. */
final class MetadataVectors {
    static final byte FRAME_VERSION = 1;

    static void all(long seed, List<ObjectNode> out) throws Exception {
        for (MetadataRecordType type : MetadataRecordType.values()) {
            for (short v = type.lowestSupportedVersion(); v <= type.highestSupportedVersion(); v++) {
                Set<String> seen = new HashSet<>();
                for (int i = 0; i < 6; i++) {
                    ApiMessage m = type.newMetadataRecord();
                    // The first is the class as constructed.
                    if (i > 0) CoordinatorVectors.fill(m, v, new Rand(seed, "metadata/" + type.id() + "/" + v + "/" + i));
                    ObjectNode o = Main.F.objectNode();
                    o.put("name", m.getClass().getSimpleName()).put("type", type.id()).put("version", v);
                    o.set("json", CoordinatorVectors.decimal((JsonNode) Class.forName(m.getClass().getName() + "JsonConverter").getMethod("write", m.getClass(), short.class).invoke(null, m, v)));
                    // Types and versions are below 128: varints of one byte.
                    byte[] frame = {FRAME_VERSION, (byte) type.id(), (byte) v};
                    o.put("hex", Messages.HEX.formatHex(Main.concat(frame, Messages.bytes(m, v))));
                    if (seen.add(o.get("hex").asText())) out.add(o);
                }
            }
        }
    }

    /** Java reads each record and writes the same bytes. */
    static void verify(ObjectNode o) {
        byte[] bytes = Messages.HEX.parseHex(o.get("hex").asText());
        short v = (short) o.get("version").asInt();
        Verify.require(bytes[0] == FRAME_VERSION && bytes[1] == o.get("type").asInt() && bytes[2] == v, "the frame");
        ApiMessage m = MetadataRecordType.fromId((short) o.get("type").asInt()).newMetadataRecord();
        ByteBuffer b = ByteBuffer.wrap(bytes, 3, bytes.length - 3).slice();
        m.read(new ByteBufferAccessor(b), v);
        Verify.require(!b.hasRemaining(), "bytes left");
        Verify.require(Arrays.equals(Messages.bytes(m, v), Arrays.copyOfRange(bytes, 3, bytes.length)), "other bytes");
    }
}
