"""RULES: every duty that is checked, in the order of its number."""

from traceability.compliance.rule import Rule
from traceability.compliance.rules import coding, custody, recycling, scrapping, use, vehicles

RULES: tuple[Rule, ...] = (
    coding.CODE_SYNTAX_WRONG,
    coding.CODE_SENSE_WRONG,
    coding.CODE_USED_TWICE,
    coding.REUSED_ITEM_NOT_CODED_ANEW,
    vehicles.VEHICLE_BATTERY_REPORTED_LATE,
    vehicles.BINDING_NOT_ONE_TO_ONE,
    vehicles.RESPONSIBLE_PARTY_NOT_ONE,
    custody.OUTLET_HANDED_TO_OTHERS,
    custody.SWAP_OPERATOR_HANDED_TO_OTHERS,
    custody.REPAIRER_HANDED_TO_OTHERS,
    custody.DISMANTLER_HANDED_TO_OTHERS,
    custody.HANDED_TO_UNPERMITTED_BUYER,
    custody.CUSTODY_CHAIN_OPEN,
    scrapping.CERTIFICATE_WITHOUT_BATTERY,
    scrapping.DISMANTLER_REPORTED_LATE,
    scrapping.OPENED_BY_OTHERS,
    recycling.TREATED_WITHOUT_PERMITS,
    recycling.RECEIPT_REPORTED_LATE,
    recycling.DISPATCH_REPORTED_LATE,
    recycling.MASS_NOT_BALANCED,
    recycling.LITHIUM_RECOVERY_LOW,
    recycling.NICKEL_COBALT_MANGANESE_RECOVERY_LOW,
    use.USED_IN_BARRED_PRODUCT,
)
